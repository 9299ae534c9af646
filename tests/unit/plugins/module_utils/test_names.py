from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import names, paths


def test_the_other_color_of_each() -> None:
    assert [names.other("blue"), names.other("green")] == ["green", "blue"]


def test_there_is_not_a_third_color() -> None:
    with pytest.raises(ValueError, match="'red' is not a color"):
        names.other("red")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (names.container("po", "shop", "web", "prod"), "po-shop-web-prod"),
        (names.container("po", "shop", "web", "prod", "blue"), "po-shop-web-prod-blue"),
        (names.container("po", "po", "strapi", "prod", "green"), "po-strapi-prod-green"),
        (names.volume("po", "shop", "data", "qual"), "po-shop-data-qual"),
        (names.volume("po", "po", "strapi-uploads", "prod"), "po-strapi-uploads-prod"),
        (names.network("po", "shop", "default", "qual"), "po-shop-default-qual"),
        (names.network("po", "po", "default", "qual"), "po-default-qual"),
        (names.front("po", "shop", "qual"), "po-shop-qual.front"),
        (names.front("po", "po", "qual"), "po-qual.front"),
        (names.back("po", "shop", "qual"), "po-shop-qual.back"),
        (names.back("po", "", "qual"), "po-back-qual"),
        (names.of_environment("po", "own-redis", "qual"), "po-own-redis-qual"),
        (str(paths.stack_folder(Path("/srv"), "po", "prod", "shop")), "/srv/po-prod/shop"),
        (str(paths.backup_store_folder(Path("/srv"), "po", "prod", "shop")), "/srv/backups/po-prod/shop"),
        (names.compose_project("po", "shop", "prod", "workers"), "po_shop_prod_workers"),
        (names.shared("po", "postgres"), "po-postgres"),
        (names.domain("web", "qual", "example.org"), "web-qual.example.org"),
        (names.domain("web", "prod", "example.org"), "web.example.org"),
        (names.stack_key("po", "shop", "prod"), "po.shop.prod"),
        (names.database("my-shop", "pre-prod"), "my_shop_pre_prod"),
        (names.redis_user("shop", "prod"), "shop-prod"),
    ],
)
def test_names(made: str, expected: str) -> None:
    assert made == expected


@pytest.mark.parametrize(
    ("key", "stack"),
    [("po.shop.prod", "shop"), ("po.shop.qual", None), ("ab.shop.prod", None), ("shop", None), ("po.a.b.prod", None)],
)
def test_the_stack_of_a_key(key: str, stack: str | None) -> None:
    assert names.stack_of_key(key, "po", "prod") == stack


@pytest.mark.parametrize("name", ["a", "po", "celery_beat", "a-b-1"])
def test_a_name_part(name: str) -> None:
    assert names.NAME_PART.match(name)


@pytest.mark.parametrize("name", ["", "Po", "-a", "a-", "a b", "a.b", "a\n", "ä"])
def test_no_name_part(name: str) -> None:
    assert not names.NAME_PART.match(name)


@pytest.mark.parametrize(
    ("labels", "owner"),
    [
        (names.labels(project="po", environment="prod", stack="shop", role="routed"), ("po", "shop", "prod")),
        (names.labels(project="po", role="proxy"), ("po", "", "")),
        ({"com.docker.compose.project": "po"}, None),
    ],
)
def test_the_owner_of_a_resource(labels: dict[str, str], owner: tuple[str, str, str] | None) -> None:
    assert names.owner(labels) == owner


def test_ten_stacks_of_one_environment_have_ten_names() -> None:
    made = {names.container("po", f"shop{number}", "db", "prod") for number in range(9)}
    assert len({*made, names.container("po", "po", "db", "prod")}) == 10


def test_reserved_names_are_those_of_the_shared_servers() -> None:
    assert {"po-postgres", "po-redis", "po-proxy", "po-proxy-next"} <= names.shared_hosts("po")
    assert {*names.shared_hosts("po"), "po-back-prod", "po-own-redis-prod"} == names.reserved("po", "prod")
    assert names.network("po", "po", "back", "prod") in names.reserved("po", "prod")
    assert names.network("po", "shop", "back", "prod") not in names.reserved("po", "prod")


@pytest.mark.parametrize("key", ["front", ".front", "qual.front", "a-qual.front"])
def test_no_network_of_a_file_has_the_name_of_the_proxys_network(key: str) -> None:
    taken = {names.front("po", stack, "qual") for stack in ("po", "shop", "a")}
    assert not taken & {names.network("po", stack, key, "qual") for stack in ("po", "shop", "a")}


def test_labels_are_texts_and_empty_ones_are_left_out() -> None:
    made = names.labels(project="po", release=7, color=None, fingerprint="")
    assert made == {"io.switchyard.project": "po", "io.switchyard.release": "7"}


def test_the_roles_of_a_database_are_called_like_it() -> None:
    assert names.login("my-shop", "prod", "migrator") == "my_shop_prod_migrator"
    assert names.login("my-shop", "prod", "owner") == names.login_of(names.database("my-shop", "prod"), "owner")
