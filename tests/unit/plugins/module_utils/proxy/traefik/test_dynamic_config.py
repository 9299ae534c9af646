from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from fakes import HOST
from fakes_traefik import BOTH, FORM, KEY, SERVERS, STATE, http_part, seen

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    api,
    dynamic_config,
    stack_config,
)


def test_the_longest_address_is_first_and_preview_access_before_all() -> None:
    more = {**BOTH, (KEY, "blue", f"{HOST}/api/"): "web"}
    routers = http_part(
        ProxyState({KEY: "blue"}, more, availability={KEY: "held"}), replace(FORM, bypass_ips=("10.0.0.0/8",))
    )["routers"]
    assert sorted(routers, key=lambda name: -routers[name]["priority"])[0] == f"{KEY}:refused:1"
    # Those of the private entry point, and of other upgrades, are extra these.
    extra = re.compile(r":(held|private-\w+|\w+-upgrade|refused):")
    routers = {name: router for name, router in routers.items() if not extra.search(name)}
    order = sorted(routers, key=lambda name: -routers[name]["priority"])
    assert [name.split(":", 1)[1].replace(HOST, "") for name in order] == [
        "blue:/api/",
        *sorted(["blue:/", "green:/"]),
        "keyed:/api/",
        "keyed:/",
        "bypass:/api/",
        "bypass:/",
        "public:/api/",
        "public:/",
    ]
    assert len({router["priority"] for router in routers.values()}) == len(order) - 1


@pytest.mark.parametrize("address", [f"{HOST}/@me", f"{HOST}/ü x", f'{HOST}/"`) || Host(`evil.org', f"{HOST}/a:b"])
def test_no_path_breaks_a_rule_or_a_name(address: str) -> None:
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", address): "web"})
    content = stack_config.document(KEY, state, SERVERS, FORM)
    assert "@" not in "".join(content["http"]["routers"])
    rule = content["http"]["routers"][
        stack_config.StackConfigBuilder(KEY, state, SERVERS, FORM).name("public", address)
    ]["rule"]
    expression = f"(?i)^{re.escape(address[len(HOST) :])}"
    assert rule == f'Host("{HOST}") && PathRegexp({json.dumps(expression, ensure_ascii=False)})'
    assert api.state_of(seen(content)) == state


def test_of_two_routes_the_longer_one_is_first_also_through_a_proxy() -> None:
    form = replace(FORM, trusted_proxies=("10.0.0.0/8",))
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", f"{HOST}/"): "web", (KEY, "blue", f"{HOST}/a"): "web"})
    ways = {(KEY, "blue", f"{HOST}/"): RouteOptions(allow_ips=("192.0.2.0/24",))}
    routers = stack_config.document(KEY, state, SERVERS, form, ways)["http"]["routers"]
    longer, shorter = (
        routers[f"{KEY}:{name}"]["priority"] for name in (f"public:{HOST}/a", f"forwarded-public:{HOST}/")
    )
    assert longer > shorter


def test_a_wildcard_is_for_one_label_and_behind_exact_hosts() -> None:
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", "*.a.org/long/path/"): "web", (KEY, "blue", "b.a.org/"): "web"})
    routers = stack_config.document(KEY, state, SERVERS, FORM)["http"]["routers"]
    wildcard, exact = (routers[f"{KEY}:public:{name}"] for name in ("%2A.a.org/long/path/", "b.a.org/"))
    assert wildcard["rule"] == r'HostRegexp("^[^.]+\\.a\\.org[.]?$") && PathRegexp("(?i)^/long/path/")'
    assert wildcard["priority"] < exact["priority"]
    assert api.state_of(seen({"http": {"routers": routers, "middlewares": {}}})).routes == state.routes


def test_paths_that_are_not_in_normal_form_are_refused_where_routes_differ_by_their_path() -> None:
    state = ProxyState(
        {KEY: "blue"},
        {(KEY, "blue", address): "web" for address in ("a.org/", "a.org/admin/", "b.org/", "c.org/x/y", "d.org/z")},
    )
    routers = stack_config.document(KEY, state, SERVERS, replace(FORM, https_port=443))["http"]["routers"]
    refusals = {name.split(":", 1)[1]: router for name, router in routers.items() if "refused" in name}
    assert {name: router["rule"].partition(" && ")[0] for name, router in refusals.items()} == {
        "refused:1": '(Host("a.org") || Host("d.org"))',
        "https-refused:1": '(Host("a.org") || Host("d.org"))',
        "refused:2": '(Host("c.org"))',
        "https-refused:2": '(Host("c.org"))',
    }
    assert {router["priority"] for router in refusals.values()} == {dynamic_config.REFUSED}
    assert "tls" in refusals["https-refused:1"]


def test_only_a_websocket_is_an_upgrade() -> None:
    routers = http_part(STATE)["routers"]
    plain, other = (routers[f"{KEY}:{kind}:{HOST}/"] for kind in ("public", "public-upgrade"))
    assert other["rule"] == f"{dynamic_config.OTHER_UPGRADE} && {plain['rule']}"
    assert other["priority"] > plain["priority"]
    assert other["middlewares"] == ["switchyard:no-upgrade@file", *plain["middlewares"]]
