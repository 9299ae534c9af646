from __future__ import annotations

import re
import typing as t

import pytest
from fakes_nginx_reader import HOSTILE

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import config, route_options, syntax
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import (
    NO_OPTIONS,
    Rate,
    RouteOptions,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import Route, StackRoutes

KEY = "po.shop.prod"


ALL = RouteOptions(
    https="redirect",
    hsts=60,
    allow_ips=("192.0.2.0/24", "2001:db8::/32"),
    basic_auth="prod.staff",
    rate_limit=Rate(10, 1, 20),
    max_body_size=1024,
    response_timeout=1.5,
    headers=(("Cache-Control", "no-store"), ("X-Frame-Options", "DENY")),
)


def maps(
    *options: RouteOptions, max_body_size: int = 0, service: str = "web", path: str = "/way"
) -> route_options.RouteOptionMaps:
    """Return the maps of ways with these options, numbered from 1."""
    ways = [
        route_options.NumberedRoute(number, (KEY, "blue", f"a.org{path}{number}"), service, one)
        for number, one in enumerate(options, 1)
    ]
    return route_options.RouteOptionMaps(ways, max_body_size)


def rows(text: str, result: str) -> dict[str, str]:
    """Return the rows of a map to a variable."""
    found = re.search(rf"^(?:map \S+|geo) {re.escape(result)} {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL)
    assert found, (result, text)
    lines = [line.strip().rstrip(";").partition(" ") for line in found[1].splitlines() if line != "    volatile;"]
    return {key: value for key, _space, value in lines}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_of_the_inventory_is_in_one_row(value: str) -> None:
    made = maps(RouteOptions(headers=(("X-A", value),)))
    assert rows(made.http(), "$sy_header_x_a")['"1"'] == syntax.quoted(value)
    assert len(made.http().splitlines()) == len(maps(RouteOptions(headers=(("X-A", "plain"),))).http().splitlines())


def test_what_nginx_can_do() -> None:
    assert route_options.unsupported_options(ALL) == route_options.unsupported_options(NO_OPTIONS) == []


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        (RouteOptions(rate_limit=Rate(1, 61, 0)), "rate_limit", "whole requests a minute, one at least"),
        (RouteOptions(response_timeout=10**8), "response_timeout", "24 days"),
        (RouteOptions(headers=(("Server", "x"),)), "headers", "nginx writes Server itself"),
        (RouteOptions(headers=(("X.Y", "x"),)), "headers", "replaces no header X.Y"),
        (RouteOptions(headers=(("X-Long", "x" * 2001),)), "headers", "X-Long has 2001"),
    ],
)
def test_what_it_cannot_do(options: RouteOptions, key: str, words: str) -> None:
    [(found, what)] = route_options.unsupported_options(options)
    assert found == key
    assert words in what


def test_rules_are_read_as_they_were_written() -> None:
    routes = (Route("web", 8000, "a.org", "/", ALL), Route("web", 8000, "a.org", "/free"))
    text = route_options.options_to_json(StackRoutes("po", "prod", "shop", routes))
    assert route_options.options_from_json(text) == {"a.org/": ALL}
    assert route_options.options_from_json("{}") == {}


def test_without_rules_nothing_is_asked() -> None:
    made = maps(NO_OPTIONS, NO_OPTIONS, max_body_size=0)
    text = made.http()
    assert rows(text, "$sy_redirect") == rows(text, "$sy_users") == {"default": '""'}
    assert rows(text, "$sy_allowed") == {"default": "yes"}
    assert rows(text, "$sy_too_large") == {"default": '""'}
    assert rows(text, "$sy_limits") == {"default": "0"}
    assert "limit_req_zone" not in text
    assert re.findall(r"location (\S+)", made.server()) == ["@0", "@0-closing"]


def test_each_way_has_its_own_rules() -> None:
    text = maps(NO_OPTIONS, ALL).http()
    assert rows(text, "$sy_redirect") == {"default": '""', '"2"': "yes"}
    assert rows(text, "$sy_users") == {"default": '""', '"2"': '"prod.staff"'}
    listed = rows(text, "$sy_allowed")['"2"']
    assert rows(text, listed) == {"default": '""', "192.0.2.0/24": "yes", "2001:db8::/32": "yes"}


def test_a_rule_before_a_route_asks_for_the_guarded_way_and_others_for_the_way_itself() -> None:
    text = maps(ALL).http()
    by_result = {result: source for source, result in re.findall(r"^map (\S+) (\S+) {", text, re.MULTILINE)}
    for result in ("$sy_redirect", "$sy_allowed", "$sy_users", "$sy_rate_10rs_20"):
        assert by_result[result] == "$sy_guard"
    for result in ("$sy_too_large", "$sy_limits", "$sy_header_x_frame_options"):
        assert by_result[result] == "$sy_route"


def test_a_header_of_one_route_leaves_the_answers_of_the_others() -> None:
    made = maps(NO_OPTIONS, ALL, RouteOptions(headers=(("x-frame-options", "SAMEORIGIN"),)))
    assert rows(made.http(), "$sy_header_x_frame_options") == {
        "default": "$upstream_http_x_frame_options",
        '"2"': '"DENY"',
        '"3"': '"SAMEORIGIN"',
    }
    assert made.server().count("x_frame_options") == 1
    assert 'proxy_hide_header "X-Frame-Options";\n' in made.server()


def test_hsts_is_only_said_on_https() -> None:
    found = rows(maps(NO_OPTIONS, ALL).http(), "$sy_header_strict_transport_security")
    assert found == {"default": "$upstream_http_strict_transport_security", '"https:2"': '"max-age=60"'}


@pytest.mark.parametrize(
    ("rate", "speed"),
    [
        (Rate(10, 1, 20), "10r/s"),
        (Rate(600, 60, 20), "10r/s"),
        (Rate(10, 3, 0), "200r/m"),
        (Rate(1, 60, 0), "1r/m"),
        (Rate(0.5, 1, 0), "30r/m"),
    ],
)
def test_a_rate_in_whole_requests(rate: Rate, speed: str) -> None:
    assert f"rate={speed};" in maps(RouteOptions(rate_limit=rate)).http()


def test_ways_with_the_same_rate_share_a_zone_and_no_count() -> None:
    made = maps(ALL, RouteOptions(rate_limit=Rate(600, 60, 20)), RouteOptions(rate_limit=Rate(1, 1, 0)))
    text = made.http()
    assert rows(text, "$sy_rate_10rs_20") == {
        "default": '""',
        '"1"': f'"{KEY} a.org/way1 $sy_source"',
        '"2"': f'"{KEY} a.org/way2 $sy_source"',
    }
    assert text.count("limit_req_zone") == made.server().count("limit_req zone") == 2
    assert "limit_req zone=rate_10rs_20 burst=20 nodelay;\n" in made.server()
    assert "limit_req zone=rate_1rs_0 nodelay;\n" in made.server()


def test_limits_are_a_place_of_their_own() -> None:
    made = maps(NO_OPTIONS, ALL, ALL, RouteOptions(response_timeout=0.0001), max_body_size=2048)
    assert rows(made.http(), "$sy_limits") == {"default": "0", '"2"': "1", '"3"': "1", '"4"': "2"}
    text = made.server()
    inside = text[text.index("location @1-closing {") :].partition("}")[0]
    for line in ("client_max_body_size 1024;", "proxy_read_timeout 1500ms;", "keepalive_timeout 0;", "proxy_pass "):
        assert line in inside
    assert "proxy_read_timeout 1ms;" in text
    assert "client_max_body_size 2048" not in text


def test_a_request_that_is_buffered_has_a_place_of_its_own() -> None:
    made = maps(NO_OPTIONS, RouteOptions(buffer_requests=True))
    assert rows(made.http(), "$sy_limits") == {"default": "0", '"2"': "1"}
    text = made.server()
    assert "proxy_request_buffering on;" in text[text.index("location @1 {") :].partition("}")[0]
    assert "proxy_request_buffering" not in text[: text.index("location @1 {")]


def test_a_body_is_compared_with_the_limit_of_its_way() -> None:
    text = maps(NO_OPTIONS, ALL, max_body_size=2048).http()
    assert rows(text, "$sy_too_large") == {"default": "$sy_above_2048", '"2"': "$sy_above_1024"}
    for limit in (1024, 2048):
        assert rows(text, f"$sy_above_{limit}")[f'"~{syntax.above(limit)}"'] == "yes"


def below(way: str, path: str, number: int = 1) -> str | None:
    """Return the file that a path leads to, as nginx finds it."""
    found = rows(maps(NO_OPTIONS, service="volume:po-shop-static-prod", path=way).http(), "$sy_static_file")
    expression = next(key for key in found if key != "default")
    assert found[expression] == "$sy_static_path"
    match = re.match(expression.strip('"').removeprefix("~*").replace("(?<", "(?P<"), f"{number}:{path}")
    return match["sy_static_path"] if match else None


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/s/1/a.css", "a.css"),
        ("/s/1/d/a b.css", "d/a b.css"),
        ("/s/1/", None),
        ("/s/1", None),
        ("/s/10/a.css", None),
        ("/s/1/.git/config", None),
        ("/s/1/d/.env", None),
        ("/s/1/d/..", None),
        ("/else/a.css", None),
    ],
)
def test_a_file_below_its_way(path: str, file: str | None) -> None:
    assert below("/s/", path) == file


def test_a_way_is_compared_without_its_percent_signs() -> None:
    assert below("/a%20b/", "/a b/1/x") == "x"
    assert below("/a%20b/", "/a b/1/x", number=2) is None


def test_only_ways_to_a_volume_lead_to_files() -> None:
    assert rows(maps(NO_OPTIONS, ALL).http(), "$sy_static_file") == {"default": '""'}


def test_rules_belong_to_the_color_that_has_them() -> None:
    routing = StackRoutes("po", "prod", "shop", (Route("web", 8000, "a.org", "/", ALL),))
    contents: dict[str, t.Any] = {f"50-{KEY}-green.json": route_options.options_to_json(routing)}
    routes = {(KEY, color, "a.org/"): "web" for color in ("blue", "green")}
    whole = config.full_config(contents, routes, "key")[0]
    # Blue is the first.
    assert rows(whole[config.ROUTES], "$sy_redirect") == {"default": '""', '"2"': "yes"}
    assert "location @1 {" in whole[config.OPTIONS]
