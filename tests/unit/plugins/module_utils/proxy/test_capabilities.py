from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import RouteSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import Certificate, ProxyCapabilities
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import (
    NO_OPTIONS,
    Rate,
    RouteOptions,
    options_of_route,
)

NOW = datetime(2030, 6, 1, tzinfo=timezone.utc)
SETTINGS: dict[str, t.Any] = {
    "https": {
        "port": 443,
        "certificates": [
            {"names": ["shop.example.org", "*.shop.example.org"], "until": "2030-07-01T00:00:00Z"},
            {"names": ["old.example.org"], "until": "2030-05-01T12:00:00Z"},
        ],
    },
    "users": ["prod.staff", "dev.boss"],
}


def route(**options: t.Any) -> RouteSpec:
    return RouteSpec("web", 80, ("a.org",), **options)


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("shop.example.org", True),
        ("img.shop.example.org", True),
        ("a.img.shop.example.org", False),
        ("example.org", False),
        ("myshop.example.org", False),
    ],
)
def test_the_hosts_of_a_certificate(host: str, covered: bool) -> None:
    certificate = Certificate(("shop.example.org", "*.shop.example.org"), NOW)
    assert certificate.covers(host) is covered


def test_the_users_of_another_environment_are_others() -> None:
    options = options_of_route(route(basic_auth="staff"), "dev")
    assert ProxyCapabilities.from_settings(SETTINGS).missing_prerequisites(options, []) == [
        Problem(
            "basic_auth",
            "the proxy has no user list staff",
            "Add it to proxy_users, then run setup.yml",
            "route.no_user_list",
        )
    ]
    assert (
        ProxyCapabilities.from_settings(SETTINGS).missing_prerequisites(
            options_of_route(route(basic_auth="boss"), "dev"), []
        )
        == []
    )


def test_a_proxy_that_has_everything() -> None:
    capabilities = ProxyCapabilities.from_settings(SETTINGS)
    options = RouteOptions("redirect", hsts=60, basic_auth="prod.staff")
    assert capabilities.missing_prerequisites(options, ["shop.example.org", "img.shop.example.org"], NOW) == []


@pytest.mark.parametrize(
    ("settings", "options", "host", "expected"),
    [
        ({}, RouteOptions("redirect"), "a.org", ("https", "the proxy has no https port")),
        ({}, RouteOptions(hsts=1), "a.org", ("hsts", "the proxy has no https port")),
        ({}, RouteOptions(basic_auth="prod.staff"), "a.org", ("basic_auth", "the proxy has no user list staff")),
        (
            SETTINGS,
            RouteOptions("redirect"),
            "a.org",
            (
                "https",
                "the proxy has no certificate for a.org, "
                "only for shop.example.org, *.shop.example.org, old.example.org",
            ),
        ),
        (
            {"https": {"port": 443}},
            RouteOptions("redirect"),
            "a.org",
            ("https", "the proxy has no certificate for a.org"),
        ),
        (
            SETTINGS,
            RouteOptions("redirect"),
            "old.example.org",
            ("https", "the proxy's certificate for old.example.org expired on 2030-05-01"),
        ),
    ],
)
def test_what_a_proxy_was_not_given(
    settings: dict[str, t.Any], options: RouteOptions, host: str, expected: tuple[str, str]
) -> None:
    found = ProxyCapabilities.from_settings(settings).missing_prerequisites(options, [host], NOW)
    assert [(problem.where, problem.message) for problem in found] == [expected]
    assert "setup.yml" in found[0].hint


def test_a_route_without_https_needs_nothing() -> None:
    assert ProxyCapabilities().missing_prerequisites(NO_OPTIONS, ["a.org"]) == []


def test_behind_a_front_proxy_certificates_are_not_ours_and_only_trusted_proxies_name_clients() -> None:
    options = RouteOptions("redirect", hsts=5, allow_ips=("10.0.0.0/8",), rate_limit=Rate(1, 1, 0))
    front = {"https": {"port": 443, "certificates": []}, "users": []}
    assert (
        ProxyCapabilities.from_settings(
            {**front, "behind_traefik": True, "trusts_front_proxy": True}
        ).missing_prerequisites(options, ["shop.org"])
        == []
    )
    assert (
        ProxyCapabilities.from_settings({**front, "behind_traefik": True}).missing_prerequisites(
            NO_OPTIONS, ["shop.org"]
        )
        == []
    )
    found = ProxyCapabilities.from_settings({**front, "behind_traefik": True}).missing_prerequisites(
        options, ["shop.org"]
    )
    assert [problem.where for problem in found] == ["allow_ips", "rate_limit", "https"]
    assert {problem.hint for problem in found} == {
        "Add its network to proxy_trusted_proxies, then run setup.yml",
    }
    # A password has a rate, which needs to know the client.
    asked = options_of_route(route(basic_auth="staff"), "prod")
    unknown = ProxyCapabilities.from_settings({**front, "users": ["prod.staff"], "behind_traefik": True})
    assert [problem.where for problem in unknown.missing_prerequisites(asked, ["shop.org"])] == ["basic_auth"]
    nowhere = {"https": {"port": 0}, "behind_traefik": True, "trusts_front_proxy": True}
    found = ProxyCapabilities.from_settings(nowhere).missing_prerequisites(options, ["shop.org"])
    assert [problem.where for problem in found] == ["https"]


def test_users_have_https_where_there_is_a_certificate_or_an_existing_traefik_with_a_port() -> None:
    certificate = Certificate(("*.example.org",), datetime.now(timezone.utc))
    own = ProxyCapabilities(443, (certificate,))
    assert [own.serves_https(host) for host in ("a.example.org", "*.example.org", "a.org")] == [True, True, False]
    assert not ProxyCapabilities(0, (certificate,)).serves_https("a.example.org")
    front = ProxyCapabilities(443, (certificate,), behind_traefik=True)
    assert (front.serves_https("a.org"), front.has_certificate("a.example.org")) == (True, False)
    assert not ProxyCapabilities(0, behind_traefik=True).serves_https("a.org")
