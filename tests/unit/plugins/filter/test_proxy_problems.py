from __future__ import annotations

import typing as t

import pytest
from certificates import made

from ansible_collections.switchyard.stacks.plugins.filter.proxy_problems import FilterModule

problems = FilterModule().filters()["proxy_problems"]
BCRYPT = "$2y$05$" + "a" * 53
SHA512 = "$6$salt$" + "b" * 86


def found(users: t.Any, provider: str = "haproxy") -> list[tuple[str, str]]:
    return [(item["where"], item["what"]) for item in problems([], users, "prod", provider)]


def test_nothing_is_wrong() -> None:
    assert problems([made("a.org")], {"staff": {"anna": BCRYPT, "ben": SHA512}}, "prod", "nginx") == []
    assert problems([], {}, "prod", "traefik") == []


def test_a_certificate_and_users_come_together() -> None:
    wrong = problems([{"certificate": "", "key": ""}], {"staff": {"anna": "hunter2"}}, "prod", "haproxy")
    assert [item["where"] for item in wrong] == ["proxy_certificates[0]", "proxy_users.staff.anna"]
    assert "hunter2" not in str(wrong)


@pytest.mark.parametrize("value", ["hunter2", "$1$salt$" + "a" * 22, "$2y$05$short", "", BCRYPT + "\nroot:x"])
def test_what_is_no_hash(value: str) -> None:
    assert found({"staff": {"anna": value}}) == [
        ("proxy_users.staff.anna", "is no hash of a password that a proxy can compare")
    ]


def test_traefik_only_compares_bcrypt() -> None:
    assert found({"staff": {"anna": SHA512, "ben": BCRYPT}}, "traefik") == [
        ("proxy_users.staff.anna", "traefik only compares bcrypt")
    ]


def test_names_that_would_break_a_file() -> None:
    assert found({"Staff:": {"anna": BCRYPT}, "empty": {}, "staff": {"an:na": BCRYPT}}) == [
        ("proxy_users.Staff:", "is no name"),
        ("proxy_users.empty", "has no users"),
        ("proxy_users.staff.an:na", "is no user's name"),
    ]
