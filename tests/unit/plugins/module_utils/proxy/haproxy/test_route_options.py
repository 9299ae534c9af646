from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import route_options
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import Route, StackRoutes


def routing(*routes: Route) -> StackRoutes:
    return StackRoutes("po", "prod", "shop", routes)


def lines(**options: t.Any) -> list[str]:
    """Return the lines of one route with these options."""
    return route_options.lines(routing(Route("web", 80, "a.org", "/", RouteOptions(**options))), "web", "green")


def of(word: str, found: list[str]) -> list[str]:
    return [line for line in found if word in line]


def test_routes_without_rules_add_nothing() -> None:
    assert lines() == []
    assert route_options.tables(routing(Route("web", 80, "a.org", "/")), "green") == []


def test_the_longest_route_is_the_last_and_stays() -> None:
    strict = RouteOptions(hsts=5)
    found = route_options.lines(
        routing(
            Route("web", 80, "a.org", "/api/open"),
            Route("web", 80, "a.org", "/api", strict),
            Route("other", 80, "a.org", "/api/open/more", RouteOptions(hsts=6)),
            Route("web", 80, "b.org", "/", strict),
        ),
        "web",
        "green",
    )
    assert of("set-var(txn.options)", found) == [
        "http-request set-var(txn.options) int(1) if { var(txn.address) -m beg -- 'b.org/' }",
        "http-request set-var(txn.options) int(1) if { var(txn.address) -m beg -- 'a.org/api' }",
        "http-request set-var(txn.options) int(0) if { var(txn.address) -m beg -- 'a.org/api/open' }",
    ]
    assert len(of("acl options", found)) == 1


def test_what_the_key_passes() -> None:
    found = lines(
        https="redirect", allow_ips=("10.0.0.0/8",), basic_auth="prod.staff", rate_limit=Rate(1, 1, 0), max_body_size=5
    )
    refusing = [line for line in found if " return " in line or "redirect" in line or " auth " in line]
    assert ["!key" in line for line in refusing] == [True, True, True, True]


def test_the_redirect_keeps_path_and_query() -> None:
    assert lines(https="redirect")[-1] == (
        'http-request redirect code 308 location "https://%[var(txn.host)]%[var(txn.https_port)]%[pathq]"'
        " if options1 !https !key"
    )


def test_hsts_is_for_https_only() -> None:
    assert of("strict-transport", lines(hsts=60)) == [
        "http-after-response set-header strict-transport-security max-age=60 if options1 https"
    ]


def test_an_address_has_a_line_of_its_own() -> None:
    found = lines(allow_ips=("10.0.0.0/8", "2001:db8::/32"))
    assert of("acl allowed1", found) == [
        "acl allowed1 var(txn.client) -m ip 10.0.0.0/8",
        "acl allowed1 var(txn.client) -m ip 2001:db8::/32",
    ]
    assert found[-1].endswith("if options1 !key !allowed1")
    assert " 403 " in found[-1]


def test_users_are_asked_after_the_rate() -> None:
    found = lines(basic_auth="prod.staff", rate_limit=Rate(1, 1, 0))
    assert found[-1] == "http-request auth realm 'shop' if options1 !key !{ http_auth(prod.staff) }"
    assert of("track-sc0", found[:-1])


@pytest.mark.parametrize(
    ("rate", "interval", "most", "unit", "expire"),
    [
        (Rate(10, 1, 20), 100_000, 2_000_000, "us", 4),
        (Rate(1, 1, 0), 1_000_000, 0, "us", 2),
        (Rate(5000, 1, 3), 200, 600, "us", 2),
        # A day for each is too long for microseconds.
        (Rate(1, 86400, 2), 86_400_000, 172_800_000, "ms", 3 * 86400 + 1),
    ],
)
def test_a_rate_is_an_interval_and_what_may_be_owed(
    rate: Rate, interval: int, most: int, unit: str, expire: int
) -> None:
    found = lines(rate_limit=rate)
    assert of(f"date(0,{unit})", found)
    assert of("return status 429", found)[0].endswith(f"if options1 !key {{ var(txn.owed) -m int gt {most} }}")
    assert found[-1] == f"http-request sc-set-gpt0(0) var(txn.owed),add(txn.now),add({interval}) if options1 !key"
    tables = route_options.tables(routing(Route("web", 80, "a.org", "/", RouteOptions(rate_limit=rate))), "green")
    assert tables[:2] == [
        "backend po.shop.prod_web_green_rate1",
        f"    stick-table type ipv6 size 100k expire {expire}s store gpt0",
    ]
    assert "po.shop.prod_web_green_rate1" in of("track-sc0", found)[0]


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    (tracked,) = of("track-sc0", lines(rate_limit=Rate(1, 1, 0)))
    assert "track-sc0 var(txn.client),ipmask(32,64) table" in tracked


def test_tables_have_the_numbers_of_their_rules() -> None:
    slow, fast = RouteOptions(rate_limit=Rate(1, 1, 0)), RouteOptions(rate_limit=Rate(9, 1, 0))
    many = routing(
        Route("web", 80, "z.org", "/", slow), Route("web", 80, "a.org", "/", fast), Route("api", 80, "b.org", "/", slow)
    )
    tables = of("backend", route_options.tables(many, "blue"))
    assert tables == [f"backend po.shop.prod_{name}" for name in ("web_blue_rate1", "web_blue_rate2", "api_blue_rate1")]
    tracked = of("track-sc0", route_options.lines(many, "web", "blue"))
    assert [(table in line) for table, line in zip(("rate1", "rate2"), tracked)] == [True, True]
    assert "add(1000000)" in of("sc-set-gpt0", route_options.lines(many, "web", "blue"))[0]


def test_a_body_is_compared_by_its_length_and_else_counted() -> None:
    found = lines(max_body_size=2048)
    assert "http-request set-var(txn.max_body_size) int(2048) if options1" in found
    assert found[-2:] == [
        "filter lua.max_body_size",
        "http-after-response set-status 413 if { var(txn.body_over) -m bool }",
    ]
    assert not of("filter", lines(response_timeout=1))


def test_a_body_is_waited_for_after_its_length_is_known() -> None:
    found = lines(max_body_size=2048, buffer_requests=True)
    refused, waited = of("return status 413", found), of("wait-for-body", found)
    assert waited == ["http-request wait-for-body time 60s if options1"]
    assert found.index(refused[0]) == found.index(waited[0]) - 1
    assert "var(txn.max_body_size) -m found" in route_options.body_rule()


def test_a_timeout_is_in_milliseconds() -> None:
    assert lines(response_timeout=0.25)[-1] == "http-request set-timeout server 250 if options1"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("DENY", "'DENY'"),
        ("100% %[src] %ci", "'100%% %%[src] %%ci'"),
        ("it's", "'it'\\''s'"),
        ('"a" \\ $HOME # b', "'\"a\" \\ $HOME # b'"),
    ],
)
def test_a_header_has_its_value_as_text(value: str, word: str) -> None:
    assert lines(headers=(("X-A", value),))[-1] == f"http-after-response set-header 'X-A' {word} if options1"


def test_a_header_without_a_value_is_taken_away() -> None:
    assert lines(headers=(("Server", ""),))[-1] == "http-after-response del-header 'Server' if options1"


def test_what_cannot_be_counted_is_reported() -> None:
    assert route_options.unsupported_options(RouteOptions(rate_limit=Rate(10, 1, 20), response_timeout=3600)) == []
    assert route_options.unsupported_options(RouteOptions(headers=(("A" * 10, "b" * 790),))) == []
    wrong = RouteOptions(
        rate_limit=Rate(1, 86400, 20), response_timeout=2**22, headers=(("A" * 10, "b" * 790), ("C", ""))
    )
    assert [key for key, _what in route_options.unsupported_options(wrong)] == [
        "rate_limit",
        "response_timeout",
        "headers",
    ]
