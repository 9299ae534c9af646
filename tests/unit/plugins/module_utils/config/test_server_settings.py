from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import (
    ServerState,
    SettingsPlan,
    SettingsRequest,
    plain,
    plan,
    without,
)

NIGHT = 1796011800.0  # 2026-11-30 04:10 UTC


def request(environment: str, proxy: t.Mapping[str, t.Any], **changes: t.Any) -> SettingsRequest:
    return SettingsRequest("po", environment, "anna@ci", NIGHT, {"proxy": proxy}, **changes)


def set_up(*environments: str, **proxy: t.Any) -> ServerState:
    """Return the state of a server on which these environments were set up with the same settings."""
    state = ServerState()
    for environment in environments:
        planned = plan(state, request(environment, proxy))
        assert not planned.problems
        state = planned.after
    return state


def refused(planned: SettingsPlan) -> list[tuple[str, str]]:
    return [(problem.where, problem.code) for problem in planned.problems]


def test_the_first_environment_sets_the_values_with_its_name() -> None:
    planned = plan(ServerState(), request("prod", {"proxy_https_port": 443}))
    (setting,) = planned.after.settings
    assert (setting.variable, setting.value, setting.environment, setting.by, setting.at) == (
        "proxy_https_port",
        443,
        "prod",
        "anna@ci",
        NIGHT,
    )
    assert planned.after.users == {"proxy": ("po/prod",)}
    assert (planned.changed, planned.differences, planned.problems) == (True, (), ())


def test_another_environment_with_the_same_values_joins() -> None:
    planned = plan(set_up("prod", proxy_https_port=443), request("qual", {"proxy_https_port": "443"}))
    assert planned.after.users == {"proxy": ("po/prod", "po/qual")}
    assert (planned.changed, planned.differences, planned.after.settings[0].environment) == (True, (), "prod")
    again = plan(planned.after, request("qual", {"proxy_https_port": 443}))
    assert not again.changed


def test_another_environment_with_another_value_is_refused_with_both_values_and_owners() -> None:
    """The default of a variable that an inventory does not set is another value as well."""
    state = set_up("prod", "staging", proxy_https_port=443)
    planned = plan(state, request("qual", {"proxy_https_port": 0}, unset=frozenset({"proxy_https_port"})))
    assert refused(planned) == [("proxy_https_port", "server.setting_differs")]
    problem = planned.problems[0]
    assert problem.message == (
        "it is 0 in qual, the default, because the inventory does not set it, and 443 on the server, set by prod "
        "(anna@ci, 2026-11-30 04:10 UTC); prod and staging use it"
    )
    assert problem.hint.startswith(
        "Write proxy_https_port: 443, best in one file for all inventories of the server, or run"
    )
    assert (
        "-e accept_server_change=true after a look at what it does to prod and staging: the proxy loads" in problem.hint
    )


def test_all_differences_are_refused_together() -> None:
    state = set_up("prod", proxy_http_port=80, proxy_image="haproxy:3.0", proxy_maxconn=4096)
    other = {"proxy_http_port": 8080, "proxy_image": "haproxy:3.2", "proxy_maxconn": 4096}
    assert [where for where, _code in refused(plan(state, request("qual", other)))] == [
        "proxy_http_port",
        "proxy_image",
    ]


def test_the_only_environment_changes_its_value() -> None:
    planned = plan(set_up("prod", proxy_http_port=80), request("prod", {"proxy_http_port": 8080}))
    assert (refused(planned), planned.after.settings[0].value) == ([], 8080)
    assert planned.differences[0].effect.startswith(
        "proxy_http_port: 80 -> 8080: the proxy loads another configuration"
    )


def test_the_owner_of_a_value_cannot_change_it_for_others_either() -> None:
    state = set_up("prod", "qual", proxy_http_port=80)
    assert refused(plan(state, request("prod", {"proxy_http_port": 8080}))) != []


def test_an_accepted_change_is_applied_and_says_what_it_does_to_whom() -> None:
    state = set_up("prod", "staging", proxy_http_port=80)
    planned = plan(state, request("qual", {"proxy_http_port": 8080}, accepts=True))
    assert (refused(planned), planned.after.settings[0].value, planned.after.settings[0].environment) == (
        [],
        8080,
        "qual",
    )
    assert planned.differences[0].effect.startswith(
        "proxy_http_port: 80 -> 8080, for prod and staging too, whose inventories need it before their next setup.yml: "
    )
    assert "proxy_http_port: 80  (set by prod (" in planned.diff()["before"]
    assert "proxy_http_port: 8080  (set by qual (" in planned.diff()["after"]
    # Then it is the other inventories that say something else.
    assert refused(plan(planned.after, request("prod", {"proxy_http_port": 80}))) != []


def test_an_environment_that_has_left_does_not_count() -> None:
    state = without(set_up("prod", "qual", proxy_http_port=80), "po", "prod")
    assert state.users == {"proxy": ("po/qual",)}
    assert refused(plan(state, request("qual", {"proxy_http_port": 8080}))) == []
    assert without(state, "po", "qual").users == {}


def test_an_environment_of_another_project_is_named_with_it() -> None:
    state = set_up("prod", proxy_http_port=80)
    other = SettingsRequest("web", "prod", "bob@desk", NIGHT, {"proxy": {"proxy_http_port": 81}})
    assert "po/prod uses it" in plan(state, other).problems[0].message


def test_parts_are_independent() -> None:
    state = set_up("prod", proxy_http_port=80)
    own = SettingsRequest("po", "qual", "bob", NIGHT, {"redis": {"redis_memory": "1g"}})
    assert plan(state, own).after.users == {"proxy": ("po/prod",), "redis": ("po/qual",)}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (80, "80", True),
        (True, "true", True),
        (["10.0.0.0/8", "::1"], ["::1", "10.0.0.0/8"], True),
        ({"a": 1, "b": [2]}, {"b": ["2"], "a": "1"}, True),
        ("", 0, False),
        ({}, {"network": "traefik"}, False),
        (["a"], "a", False),
    ],
)
def test_values_are_compared_as_the_roles_use_them(one: t.Any, other: t.Any, same: bool) -> None:
    assert (plain(one) == plain(other)) is same
