from __future__ import annotations

import json
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import RateLimit, RouteSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import (
    NO_OPTIONS,
    PASSWORD_RATE,
    Rate,
    RouteOptions,
    options_of_route,
)


def route(**options: t.Any) -> RouteSpec:
    return RouteSpec("web", 80, ("a.org",), **options)


def test_a_route_of_a_record_of_an_older_version_has_no_rules() -> None:
    route = state_file.from_json(RouteSpec, {"service": "web", "port": 80, "hosts": ["a.org"], "path": "/"})
    assert options_of_route(route, "prod") == NO_OPTIONS


def test_the_rules_of_a_route() -> None:
    limit = RateLimit(30.0, 60.0, 5)
    given = {"https": "redirect", "allow_ips": ("10.0.0.0/8",), "rate_limit": limit, "headers": {"B": "2", "A": "1"}}
    options = options_of_route(route(**given), "prod")
    assert options == RouteOptions(
        "redirect", allow_ips=("10.0.0.0/8",), rate_limit=Rate(30, 60, 5), headers=(("A", "1"), ("B", "2"))
    )
    assert options.rate_limit
    assert options.rate_limit.per_second == 0.5


def test_a_route_with_passwords_has_a_rate() -> None:
    assert options_of_route(route(basic_auth="staff"), "prod").rate_limit == PASSWORD_RATE
    own = RateLimit(5.0, 1.0, 0)
    assert options_of_route(route(basic_auth="staff", rate_limit=own), "prod").rate_limit == Rate(5, 1, 0)


def test_options_survive_json() -> None:
    options = RouteOptions(
        "redirect", 60, ("10.0.0.0/8",), "prod.staff", Rate(1, 2, 3), 10, 1.5, (("X-A", "1"), ("X-B", ""))
    )
    for each in (options, NO_OPTIONS):
        assert RouteOptions.from_dict(json.loads(json.dumps(each.to_dict()))) == each


def test_options_of_another_version_are_read() -> None:
    assert RouteOptions.from_dict({"hsts": 5, "later": True}) == RouteOptions(hsts=5)
