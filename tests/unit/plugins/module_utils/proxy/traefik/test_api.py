from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import HOST
from fakes_traefik import BOTH, FORM, FULL, KEY, SECURE, SERVERS, STATE, ruled, seen

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    api,
    dynamic_config,
    stack_config,
)


@pytest.mark.parametrize(
    "state",
    [
        STATE,
        ProxyState({KEY: "green"}, BOTH, {KEY: 5}),
        ProxyState({KEY: "green"}, BOTH, {KEY: 100}, {KEY: "held"}),
        ProxyState({}, {(KEY, "blue", f"{HOST}/"): "web"}),
        ProxyState({KEY: "blue"}),
        ProxyState({}, {}, {}, {KEY: "maintenance"}),
        ProxyState({KEY: "blue", "po.a_b.qual": "green"}, {**BOTH, ("po.a_b.qual", "green", "b.org/x"): "site"}),
    ],
)
def test_what_traefik_shows_is_the_state_that_was_written(state: ProxyState) -> None:
    servers = {**SERVERS, "po.a_b.qual:green:site": "http://po-shop-site-qual-green:80"}
    contents = [stack_config.document(key, state, servers, FORM) for key in state.known_stacks()]
    assert api.state_of(seen(*contents)) == state


@pytest.mark.parametrize(
    "options",
    [
        FULL,
        RouteOptions(response_timeout=30),
        RouteOptions(rate_limit=Rate(0.5, 60, 0)),
        RouteOptions(headers=(("X!#$%&'*+.^_`|~-a", '"\\ {{ env "HOME" }} {{{'), ("X-Gone", ""))),
    ],
)
@pytest.mark.parametrize("path", ["/", "/@me:x", "/ü {{ now }}"])
def test_traefik_shows_the_rules_that_were_written(options: RouteOptions, path: str) -> None:
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", HOST + path): "web"}, availability={KEY: "held"})
    content, _http = ruled({"blue": options}, state, path=path)
    text = dynamic_config.text_of(content)
    # Two braces would be a template of Go.
    assert "{{" not in text
    raw = seen(dynamic_config.parse(text))
    assert api.options_in(raw) == {(KEY, "blue", HOST + path): options}
    assert api.state_of(raw) == state
    assert api.servers_of(raw) == SERVERS


def test_a_weight_is_read_behind_rules() -> None:
    state = replace(STATE, weights={KEY: 25})
    content, _http = ruled({"blue": FULL, "green": FULL}, state, replace(SECURE, trusted_proxies=("10.0.0.0/8",)))
    assert api.state_of(seen(content)) == state
    assert api.servers_of(seen(content)) == SERVERS


def test_routers_of_others_are_not_ours() -> None:
    others = {"http": {"routers": {"blog": {"rule": "Host(`b.org`)", "service": "b"}}, "services": {"b": {}}}}
    assert api.state_of(seen(others)) == ProxyState()
    assert api.servers_of(seen(others)) == {}
