from __future__ import annotations

import pytest
from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release.left_overs import (
    LeftOver,
    containers_left_over,
    stacks_left_over,
)

OWNER = ("po", "prod")
RETIRE = "ansible-playbook retire.yml -i inventories/prod"


def labelled(kind: str, name: str, **labels: str) -> dict[tuple[str, str], dict[str, str]]:
    return {(kind, name): names.labels(**{"project": "po", "environment": "prod", **labels})}


BLOG = {
    **labelled("container", "po-blog-web-prod-blue", stack="blog", role="routed"),
    **labelled("network", "po-blog-default-prod", stack="blog"),
    **labelled("volume", "po-blog-uploads-prod", stack="blog"),
}


def test_a_stack_that_the_inventory_has_is_not_left_over() -> None:
    assert stacks_left_over(BLOG, {"blog": ["blog.org/"]}, ["blog"], OWNER, ["blog"], RETIRE) == []


def test_a_stack_that_the_inventory_no_longer_has_is_named_with_the_command_that_retires_it() -> None:
    assert stacks_left_over(BLOG, {"blog": ["blog.org/"]}, ["blog"], OWNER, ["shop"], RETIRE) == [
        LeftOver(
            "blog",
            "the stack blog is on this server and not in the inventory: routes blog.org/, 1 container, 1 network, "
            "volumes po-blog-uploads-prod",
            f"{RETIRE} -e stack=blog",
        )
    ]


def test_the_volumes_of_a_retired_stack_are_named_with_the_command_that_removes_them() -> None:
    volume = labelled("volume", "po-blog-uploads-prod", stack="blog")
    (found,) = stacks_left_over(volume, {}, [], OWNER, ["shop"], RETIRE)
    assert found.message == "the stack blog is retired, and its data is kept: volumes po-blog-uploads-prod"
    assert found.command == f"{RETIRE} -e stack=blog -e remove_data=true"


def test_a_stack_with_only_its_releases_is_left_over() -> None:
    (found,) = stacks_left_over({}, {}, ["blog"], OWNER, ["shop"], RETIRE)
    assert found.message == "the stack blog is on this server and not in the inventory: its releases"


@pytest.mark.parametrize("labels", [{"environment": "qual"}, {"project": "web"}, {"stack": ""}])
def test_what_others_own_is_not_left_over(labels: dict[str, str]) -> None:
    """Neither other environments, other projects, nor what all stacks of the environment share, as its Redis."""
    other = labelled("container", "x", **{"stack": "blog", **labels})
    foreign = {("container", "blog"): {}, ("volume", "data"): {"com.docker.compose.project": "blog"}}
    assert stacks_left_over({**other, **foreign}, {}, [], OWNER, ["shop"], RETIRE) == []


def part(name: str, role: str, service: str) -> dict[tuple[str, str], dict[str, str]]:
    return labelled("container", name, stack="shop", role=role, service=service)


DB = part("po-shop-db-prod", "accessory", "db")


def test_an_accessory_that_the_stack_no_longer_names_is_ended_by_its_operator() -> None:
    for releases in (True, False):
        assert containers_left_over(DB, checked(), OWNER, releases, False) == [
            LeftOver(
                "shop",
                "shop no longer has the accessory db, whose container po-shop-db-prod remains; its volumes are kept",
                "docker stop po-shop-db-prod && docker rm po-shop-db-prod",
            )
        ]


def test_a_release_with_other_accessories_removes_it() -> None:
    (found,) = containers_left_over(DB, checked(accessories=["mq"]), OWNER, True, False)
    assert (found.command, "this release removes it" in found.message) == ("", True)


def test_an_accessory_and_a_worker_that_the_stack_has_are_not_left_over() -> None:
    current = {**DB, **part("po-shop-celery-prod", "worker", "celery")}
    assert containers_left_over(current, checked(accessories=["db"], workers=["celery"]), OWNER, False, False) == []


def test_a_worker_is_left_over_only_where_no_release_replaces_it() -> None:
    celery = part("po-shop-celery-prod", "worker", "celery")
    assert containers_left_over(celery, checked(), OWNER, True, False) == []
    (found,) = containers_left_over(celery, checked(), OWNER, False, False)
    assert found.command == "docker stop po-shop-celery-prod && docker rm po-shop-celery-prod"


def test_a_one_off_command_is_left_over_when_no_release_runs() -> None:
    job = part("po_shop_prod_jobs-3-1", "job", "web")
    assert containers_left_over(job, checked(), OWNER, True, True) == []
    (found,) = containers_left_over(job, checked(), OWNER, True, False)
    assert found.command == "docker rm --force po_shop_prod_jobs-3-1"


def test_containers_of_other_stacks_and_environments_are_not_touched() -> None:
    others = {
        **labelled("container", "a", stack="blog", role="accessory", service="db"),
        **labelled("container", "b", stack="shop", role="accessory", service="db", environment="qual"),
        ("container", "c"): {"com.docker.compose.service": "db"},
    }
    assert containers_left_over(others, checked(), OWNER, False, False) == []
