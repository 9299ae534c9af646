from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes import HOST
from fakes_traefik import ADDRESS, BOTH, FORM, KEY, SECURE, SERVERS, STATE, http_part, marks, ruled

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    dynamic_config,
    stack_config,
)


def test_a_public_router_leads_to_the_live_color_alone() -> None:
    http = http_part(STATE)
    router = http["routers"][f"{KEY}:public:{HOST}/"]
    assert router["rule"] == f'Host("{HOST}") && PathPrefix("/")'
    assert router["entryPoints"] == ["public"]
    assert router["service"] == f"{KEY}:public:{HOST}/@file"
    assert http["services"][f"{KEY}:public:{HOST}/"] == {
        "weighted": {"services": [{"name": f"{KEY}:blue:web@file", "weight": 100}]}
    }
    assert http["services"][f"{KEY}:blue:web"]["loadBalancer"] == {
        "servers": [{"url": "http://po-shop-web-prod-blue:8000"}],
        "serversTransport": "switchyard:direct@file",
    }


def test_preview_access_needs_key_and_color_and_shows_the_color() -> None:
    http = http_part(STATE)
    router = http["routers"][f"{KEY}:green:{HOST}/"]
    key, color = 'Header("X-Switchyard-Key", "the-key")', 'Header("X-Switchyard-Color", "{}")'
    # Blue is live, so green is the color that is not.
    assert router["rule"].endswith(f"{key} && ({color.format('green')} || {color.format('idle')})")
    assert http["routers"][f"{KEY}:blue:{HOST}/"]["rule"].endswith(f"{key} && {color.format('blue')}")
    assert router["service"] == f"{KEY}:green:web@file"
    assert f"{KEY}:green@file" in router["middlewares"]
    headers = http["middlewares"][f"{KEY}:green"]["headers"]
    assert headers["customResponseHeaders"] == {"X-Switchyard-Color": "green"}
    # An empty value takes a header away: the application never sees the key.
    assert headers["customRequestHeaders"] == dict.fromkeys(
        ["X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-Bypass"], ""
    )


def test_the_header_of_an_environment_is_a_key_to_its_own_stacks() -> None:
    private = {"prod": ("X-Preview", 'a "secret"'), "test": ("X-Test", "another")}
    http = http_part(STATE, replace(FORM, preview_keys=private))
    for kind in ("blue", "green", "keyed"):
        rule = http["routers"][f"{KEY}:{kind}:{HOST}/"]["rule"]
        assert '(Header("X-Switchyard-Key", "the-key") || Header("X-Preview", "a \\"secret\\""))' in rule
        assert "X-Test" not in rule
    assert "X-Preview" not in http["routers"][f"{KEY}:public:{HOST}/"]["rule"]
    # No application sees the header of any environment.
    assert http["middlewares"][f"{KEY}:live"]["headers"]["customRequestHeaders"] == dict.fromkeys(
        ["X-Switchyard-Key", "X-Switchyard-Color", "X-Switchyard-Bypass", "X-Preview", "X-Test"], ""
    )


@pytest.mark.parametrize(
    ("live", "existing", "idle"),
    [
        ({KEY: "blue"}, ("blue", "green"), "green"),
        ({KEY: "green"}, ("blue", "green"), "blue"),
        ({KEY: "blue"}, ("blue",), None),
        ({}, ("green",), "green"),
        ({}, ("blue", "green"), "blue"),
    ],
)
def test_the_idle_color_is_the_one_that_is_not_live(
    live: dict[str, str], existing: tuple[str, ...], idle: str | None
) -> None:
    state = ProxyState(live, {(KEY, color, f"{HOST}/"): "web" for color in existing})
    routers = http_part(state)["routers"].items()
    found = [name for name, router in routers if "idle" in router["rule"] and "public" in router["entryPoints"]]
    assert found == ([f"{KEY}:{idle}:{HOST}/"] if idle else [])


def test_the_key_without_a_color_meets_what_is_live() -> None:
    http = http_part(ProxyState({KEY: "green"}, BOTH, weights={KEY: 50}))
    assert http["routers"][f"{KEY}:keyed:{HOST}/"]["service"] == f"{KEY}:green:web@file"
    assert http["middlewares"][f"{KEY}:live"]["headers"]["customResponseHeaders"] == {"X-Switchyard-Color": "green"}


def test_users_follow_the_routes_of_the_live_color() -> None:
    more = {**BOTH, (KEY, "green", f"{HOST}/new"): "web"}
    assert f"{KEY}:public:{HOST}/new" not in http_part(ProxyState({KEY: "blue"}, more))["routers"]
    assert f"{KEY}:green:{HOST}/new" in http_part(ProxyState({KEY: "blue"}, more))["routers"]
    assert f"{KEY}:public:{HOST}/new" in http_part(ProxyState({KEY: "green"}, more))["routers"]


def test_a_canary_shares_in_percent_and_a_cookie_keeps_clients() -> None:
    http = http_part(replace(STATE, weights={KEY: 25}))
    weighted = http["services"][f"{KEY}:public:{HOST}/"]["weighted"]
    assert weighted["services"] == [
        {"name": f"{KEY}:blue:web@file", "weight": 75},
        {"name": f"{KEY}:green:web@file", "weight": 25},
    ]
    assert weighted["sticky"]["cookie"] == {"name": "switchyard", "httpOnly": True, "sameSite": "lax", "path": "/"}


def test_a_client_stays_at_its_color_on_every_service_of_the_stack() -> None:
    two = {**BOTH, **{(KEY, color, f"{HOST}/api/"): "api" for color in names.COLORS}}
    servers = {**SERVERS, **{f"{KEY}:{color}:api": f"http://po-shop-api-prod-{color}:9000" for color in names.COLORS}}
    http = http_part(ProxyState({KEY: "blue"}, two, {KEY: 5}), servers=servers)
    router = http["routers"][f"{KEY}:sticky-green:{HOST}/api/"]
    # The values that Traefik 3.7 sets for these names.
    assert dynamic_config.cookie_of("k:blue:web") == "11c134f3c697465d"
    for service in ("web", "api"):
        assert dynamic_config.cookie_of(f"{KEY}:green:{service}") in router["rule"]
    assert router["service"] == f"{KEY}:green:api@file"


@pytest.mark.parametrize("sticky", [True, False])
def test_without_a_canary_or_without_the_wish_there_is_not_a_cookie(sticky: bool) -> None:
    state = replace(STATE, weights={KEY: 5} if not sticky else {})
    text = json.dumps(http_part(state, replace(FORM, sticky=sticky)))
    assert "cookie" not in text.lower()


def test_all_clients_can_get_the_other_color() -> None:
    weighted = http_part(replace(STATE, weights={KEY: 100}))["services"][f"{KEY}:public:{HOST}/"]["weighted"]
    assert weighted["services"] == [{"name": f"{KEY}:green:web@file", "weight": 100}]


def test_the_other_color_gets_no_share_of_a_way_it_does_not_have() -> None:
    state = ProxyState({KEY: "blue"}, {(KEY, "blue", f"{HOST}/"): "web"}, {KEY: 25})
    services = http_part(state)["services"][f"{KEY}:public:{HOST}/"]["weighted"]["services"]
    assert services == [{"name": f"{KEY}:blue:web@file", "weight": 100}]


@pytest.mark.parametrize("how", ["maintenance", "held"])
def test_maintenance_leads_to_the_pages_but_not_with_preview_access(how: str) -> None:
    http = http_part(replace(STATE, availability={KEY: how}), replace(FORM, bypass_ips=("10.0.0.0/8", "::1")))
    assert http["routers"][f"{KEY}:public:{HOST}/"]["service"] == "switchyard:pages@file"
    asked = http["middlewares"][f"{KEY}:page"]["headers"]["customRequestHeaders"]
    assert (asked["X-Switchyard-Stack"], asked["X-Switchyard-Page"]) == (KEY, how)
    bypass = http["routers"][f"{KEY}:bypass:{HOST}/"]
    # Maintenance is verified from a server that may have preview access itself.
    also = '&& (ClientIP("10.0.0.0/8") || ClientIP("::1")) && !Header("X-Switchyard-Bypass", "off")'
    assert bypass["rule"].endswith(also)
    assert bypass["service"] == f"{KEY}:public:{HOST}/@file"
    assert http["routers"][f"{KEY}:keyed:{HOST}/"]["service"] == f"{KEY}:blue:web@file"


def test_what_has_no_release_yet_shows_that() -> None:
    http = http_part(ProxyState({}, {(KEY, "blue", f"{HOST}/"): "web"}))
    assert http["routers"][f"{KEY}:public:{HOST}/"]["service"] == "switchyard:pages@file"
    assert http["middlewares"][f"{KEY}:page"]["headers"]["customRequestHeaders"]["X-Switchyard-Page"] == "placeholder"
    assert f"{KEY}:keyed:{HOST}/" not in http["routers"]


def test_nothing_of_a_stack_is_an_empty_file() -> None:
    assert dynamic_config.parse(dynamic_config.text_of(stack_config.document(KEY, ProxyState(), {}, FORM))) == {}


def test_each_route_exists_with_tls_as_well() -> None:
    state = replace(STATE, weights={KEY: 5}, availability={})
    _content, http = ruled({}, state)
    public = {name: router for name, router in http["routers"].items() if "private" not in router["entryPoints"]}
    plain = {name for name, router in public.items() if "tls" not in router}
    assert {name for name in public if name not in plain} == {
        name.replace(f"{KEY}:", f"{KEY}:https-", 1) for name in plain
    }
    for name in plain:
        secure = http["routers"][name.replace(f"{KEY}:", f"{KEY}:https-", 1)]
        assert (secure["entryPoints"], secure["tls"]) == (["https"], {})
        assert (secure["rule"], secure["priority"]) == (
            http["routers"][name]["rule"],
            http["routers"][name]["priority"],
        )
    cookies = [
        http["services"][f"{KEY}:{kind}:{ADDRESS}"]["weighted"]["sticky"]["cookie"]
        for kind in ("public", "https-public")
    ]
    assert [cookie.get("secure", False) for cookie in cookies] == [False, True]


def test_rules_change_with_the_switch() -> None:
    both = {"blue": RouteOptions(max_body_size=5), "green": RouteOptions(basic_auth="prod.staff")}
    for live, expected in (("blue", ["body-blue"]), ("green", ["users-green"])):
        _content, http = ruled(both, ProxyState({KEY: live}, BOTH))
        assert marks(http, f"public:{ADDRESS}") == expected


def test_in_a_canary_the_rules_of_the_drawn_color_hold() -> None:
    both = {"blue": RouteOptions(max_body_size=5), "green": RouteOptions(basic_auth="prod.staff", response_timeout=3)}
    _content, http = ruled(both, replace(STATE, weights={KEY: 25}), FORM)
    assert marks(http, f"public:{ADDRESS}") == []
    blue, green = (child["name"] for child in http["services"][f"{KEY}:public:{ADDRESS}"]["weighted"]["services"])
    assert marks(http, blue.removesuffix("@file").removeprefix(f"{KEY}:"), "services") == ["body-blue"]
    assert marks(http, green.removesuffix("@file").removeprefix(f"{KEY}:"), "services") == ["users-green"]
    assert http["services"][green.removesuffix("@file")]["loadBalancer"]["serversTransport"] == f"{KEY}:3@file"
    # A client that stays at a color has its options as well, and the cookie of the draw is known.
    assert marks(http, f"sticky-green:{ADDRESS}") == ["users-green"]
    assert (
        dynamic_config.cookie_of(green.removesuffix("@file"))
        in http["routers"][f"{KEY}:sticky-green:{ADDRESS}"]["rule"]
    )


def test_what_came_through_a_proxy_is_asked_for_the_address_in_the_header() -> None:
    form = replace(FORM, trusted_proxies=("10.0.0.0/8", "::1"))
    _content, http = ruled({"blue": RouteOptions(allow_ips=("192.0.2.0/24",), rate_limit=Rate(1, 1, 0))}, form=form)
    plain, forwarded = (http["routers"][f"{KEY}:{kind}public:{ADDRESS}"] for kind in ("", "forwarded-"))
    assert forwarded["rule"] == plain["rule"] + ' && (ClientIP("10.0.0.0/8") || ClientIP("::1"))'
    assert forwarded["priority"] == plain["priority"] + 1
    assert marks(http, f"forwarded-public:{ADDRESS}") == ["forwarded-allow-blue", "forwarded-rate-blue"]
    strategy = {"ipStrategy": {"excludedIPs": ["10.0.0.0/8", "::1"]}}
    allow = http["middlewares"][f"{KEY}:forwarded-allow-blue:{ADDRESS}"]["ipAllowList"]
    assert allow == {"sourceRange": ["192.0.2.0/24"], **strategy}
    rate = http["middlewares"][f"{KEY}:forwarded-rate-blue:{ADDRESS}"]["rateLimit"]
    assert rate["sourceCriterion"] == strategy
    # Only the headers of such a proxy reach the application.
    assert plain["middlewares"][0] == "switchyard:client@file"
    assert forwarded["middlewares"][0] == "switchyard:client-trusted@file"
    assert "forwarded" not in json.dumps(http_part(STATE)["routers"])


def test_what_a_trusted_proxy_got_by_https_is_not_sent_there() -> None:
    options = RouteOptions(https="redirect", hsts=5)
    _content, http = ruled({"blue": options}, form=replace(SECURE, trusted_proxies=("10.0.0.0/8",)))
    plain, secured = (http["routers"][f"{KEY}:{kind}public:{ADDRESS}"] for kind in ("", "forwarded-secured-"))
    assert secured["rule"] == plain["rule"] + ' && (ClientIP("10.0.0.0/8")) && Header("X-Forwarded-Proto", "https")'
    assert secured["priority"] > plain["priority"]
    assert marks(http, f"public:{ADDRESS}") == ["redirect-blue"]
    assert marks(http, f"forwarded-secured-public:{ADDRESS}") == marks(http, f"https-public:{ADDRESS}") == ["hsts-blue"]
    assert not [name for name in http["routers"] if name.startswith(f"{KEY}:https") and "secured" in name]
    # No header is believed where no proxy is trusted.
    assert "secured" not in json.dumps(ruled({"blue": options})[0])
