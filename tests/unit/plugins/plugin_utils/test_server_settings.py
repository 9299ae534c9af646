from __future__ import annotations

import typing as t

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.switchyard.stacks.plugins.plugin_utils.server_settings import (
    InventorySettings,
    operator,
    read_settings,
)

BASE = {"switchyard_project": "po", "switchyard_environment": "qual"}


def read(parts: t.Collection[str] = (), stacks: t.Any = (), **variables: t.Any) -> InventorySettings:
    values = {**BASE, **variables}
    return read_settings(Templar(loader=DataLoader(), variables=values), values, parts, stacks)


def test_a_variable_that_the_inventory_does_not_set_has_the_default_of_its_role() -> None:
    given = read(["proxy"], proxy_http_port=trust_as_template("{{ 8000 + 80 }}"))
    proxy = given.settings["proxy"]
    assert (proxy["proxy_https_port"], proxy["proxy_http_port"], proxy["proxy_provider"]) == (0, 8080, "haproxy")
    assert proxy["proxy_image"].startswith("docker.io/library/haproxy:")
    assert "proxy_https_port" in given.unset
    assert "proxy_http_port" not in given.unset


def test_the_default_of_the_image_follows_the_kind_of_the_proxy() -> None:
    assert (
        read(["proxy"], proxy_provider="nginx").settings["proxy"]["proxy_image"].startswith("docker.io/library/nginx:")
    )


def test_what_an_environment_has_for_itself_is_not_shared() -> None:
    given = read(["proxy", "postgres", "redis"], redis_shared=True)
    names = {name for group in given.settings.values() for name in group}
    assert not names & {"proxy_certificates", "proxy_users", "proxy_environment", "postgres_tenants", "redis_shared"}
    assert {"proxy_trusted_proxies", "postgres_image", "postgres_settings", "redis_maxmemory"} <= names


def test_a_variable_of_another_kind_of_proxy_is_not_shared() -> None:
    assert "proxy_nginx_workers" not in read(["proxy"]).settings["proxy"]
    assert "proxy_nginx_workers" in read(["proxy"], proxy_provider="nginx").settings["proxy"]
    assert "proxy_image" not in read(["proxy"], proxy_install="package").settings["proxy"]


def test_of_a_front_proxy_only_the_network_is_shared() -> None:
    given = read(["proxy"], proxy_behind_traefik={"entrypoints": ["web"], "labels": {"priority": "1000"}})
    assert given.settings["proxy"]["proxy_behind_traefik"] == {"network": "traefik"}
    assert read(["proxy"]).settings["proxy"]["proxy_behind_traefik"] == {}


def test_the_parts_are_those_that_the_stacks_use() -> None:
    shop = {"name": "shop", "postgres": {"password": "x"}, "redis": {"password": "y", "databases": [0]}}
    assert set(read(stacks=[shop]).settings) == {"proxy", "postgres", "networks"}
    assert set(read(stacks=[shop], redis_shared="true").settings) == {"proxy", "postgres", "redis", "networks"}
    assert set(read(stacks=[shop], postgres_host="db.example.org").settings) == {"proxy", "networks"}
    assert set(read(stacks=[{"name": "local", "strategy": "in_place"}]).settings) == set()
    assert read(stacks=[shop], redis_shared="true").redis_is_shared


def test_a_value_that_cannot_be_templated_is_left_out() -> None:
    """The role proxy reports an unknown kind, and a variable that is missing."""
    given = read(["proxy"], proxy_provider="caddy", proxy_memory=trust_as_template("{{ not_set }}"))
    assert "proxy_image" not in given.settings["proxy"]
    assert "proxy_memory" not in given.settings["proxy"]
    assert given.settings["proxy"]["proxy_provider"] == "caddy"


def test_the_pool_of_the_networks_is_shared_once() -> None:
    given = read(["proxy", "networks"])
    assert given.settings["networks"]["switchyard_network_pool"].endswith("/16")
    assert "proxy_network_pool" not in given.settings["proxy"]
    assert read(stacks=[{"name": "shop"}], switchyard_network_pool="10.200.0.0/16").settings["networks"] == {
        "switchyard_network_pool": "10.200.0.0/16"
    }


def test_the_operator_is_a_user_of_a_machine() -> None:
    assert "@" in operator()
