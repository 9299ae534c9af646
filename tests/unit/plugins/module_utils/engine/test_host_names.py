from __future__ import annotations

import typing as t

import pytest
from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.host_names import HostNames

ROLES = {"web": "routed", "api": "inner", "celery": "worker", "db": "accessory", "init": "job"}


def host_names(services: dict[str, t.Any] | None = None, **networks: t.Any) -> HostNames:
    content = normalised(**{name: (services or {}).get(name, {}) for name in ROLES})
    content["networks"].update(networks)
    return HostNames(content, "po", "shop", "prod", ROLES)


def test_a_service_reaches_its_own_color_and_what_runs_once() -> None:
    once = ["po-shop-celery-prod:celery", "po-shop-db-prod:db"]
    for color in ("blue", "green"):
        found = [f"po-shop-web-prod-{color}:web", f"po-shop-api-prod-{color}:api", *once]
        assert host_names().links("web", color) == host_names().links("celery", color) == found
        assert host_names().links("init", color) == found


def test_an_accessory_has_no_link_to_a_color() -> None:
    names = host_names({"db": {"links": ["web:site", "celery:tasks"]}})
    assert names.links("db", "blue") == ["po-shop-celery-prod:tasks"]
    assert names.aliases("db", "default", None) == ["db"]


@pytest.mark.parametrize(
    ("service", "alias"),
    [
        ({"container_name": "My_API"}, "My_API"),
        ({"hostname": "backend"}, "backend"),
        ({"networks": {"default": {"aliases": ["backend", "api"]}}}, "backend"),
    ],
)
def test_each_name_of_a_service_of_a_color_has_a_full_name(service: dict[str, t.Any], alias: str) -> None:
    names = host_names({"api": service})
    assert names.aliases("api", "default", "green") == [f"po-shop-{alias}-prod-green"]
    links = names.links("web", "green")
    assert f"po-shop-{alias}-prod-green:{alias}" in links
    assert f"po-shop-{alias}-prod-green:{alias.lower()}" in links


def test_an_alias_is_on_its_network_only() -> None:
    names = host_names({"api": {"networks": {"inside": {"aliases": ["hidden"]}, "default": None}}}, inside={})
    assert names.aliases("api", "default", "blue") == []
    assert names.aliases("api", "inside", "blue") == ["po-shop-hidden-prod-blue"]


def test_several_services_with_one_alias_answer_together() -> None:
    both = {"networks": {"default": {"aliases": ["backend"]}}}
    names = host_names({"web": both, "api": both})
    assert names.aliases("web", "default", "blue") == names.aliases("api", "default", "blue")
    assert names.links("celery", "blue").count("po-shop-backend-prod-blue:backend") == 1
    assert names.ambiguous() == {}


def test_what_runs_once_has_the_names_of_the_file_on_networks_of_the_stack() -> None:
    joined = {"networks": {"default": {"aliases": ["database"]}, "lan": {"aliases": ["shop-db"]}}}
    names = host_names({"db": {"container_name": "shop_db", **joined}}, lan={"external": True, "name": "company"})
    full = ["po-shop-shop_db-prod", "po-shop-database-prod"]
    assert names.aliases("db", "default", None) == ["db", "shop_db", "database", *full]
    assert names.aliases("db", "lan", None) == ["shop-db", "po-shop-shop_db-prod", "po-shop-shop-db-prod"]


def test_a_link_renames_a_service_for_its_client_only() -> None:
    names = host_names({"web": {"links": ["api:backend", "db:database", "celery", "init:setup"]}})
    links = names.links("web", "blue")
    assert links[:3] == [
        "po-shop-api-prod-blue:backend",
        "po-shop-db-prod:database",
        "po-shop-celery-prod:celery",
    ]
    assert not [link for link in links if link.endswith(":setup")]
    assert not [link for link in names.links("api", "blue") if link.endswith((":backend", ":database"))]


def test_a_link_takes_a_name_of_another_service() -> None:
    links = host_names({"web": {"links": ["api:db"]}}).links("web", "blue")
    assert [link for link in links if link.endswith(":db")] == ["po-shop-api-prod-blue:db"]


def test_a_name_of_a_color_and_of_what_runs_once_is_ambiguous() -> None:
    assert host_names({"api": {"container_name": "DB"}}).ambiguous() == {"db": ["api", "db"]}
    assert host_names({"celery": {"hostname": "db"}}).ambiguous() == {}
