from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes import HOST
from fakes_traefik import BOTH, FORM, KEY, SERVERS, http_part, seen

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    api,
    stack_config,
)


def test_the_longest_address_comes_first_and_the_private_way_before_all() -> None:
    more = {**BOTH, (KEY, "blue", f"{HOST}/api/"): "web"}
    routers = http_part(
        ProxyState({KEY: "blue"}, more, availability={KEY: "held"}), replace(FORM, bypass_ips=("10.0.0.0/8",))
    )["routers"]
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
    assert rule == f'Host("{HOST}") && PathPrefix({json.dumps(address[len(HOST) :], ensure_ascii=False)})'
    assert api.state_of(seen(content)) == state


def test_of_two_ways_the_longer_one_comes_first_also_through_a_proxy() -> None:
    form = replace(FORM, trusted_proxies=("10.0.0.0/8",))
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", f"{HOST}/"): "web", (KEY, "blue", f"{HOST}/a"): "web"})
    ways = {(KEY, "blue", f"{HOST}/"): RouteOptions(allow_ips=("192.0.2.0/24",))}
    routers = stack_config.document(KEY, state, SERVERS, form, ways)["http"]["routers"]
    longer, shorter = (
        routers[f"{KEY}:{name}"]["priority"] for name in (f"public:{HOST}/a", f"forwarded-public:{HOST}/")
    )
    assert longer > shorter
