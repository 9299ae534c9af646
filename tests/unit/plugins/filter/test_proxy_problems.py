from __future__ import annotations

import typing as t

import pytest
from certificates import self_signed

from ansible_collections.switchyard.stacks.plugins.filter.certificates import FilterModule as CertificatesModule
from ansible_collections.switchyard.stacks.plugins.filter.proxy_problems import FilterModule

FILES = CertificatesModule().filters()["certificates"]
problems = FilterModule().filters()["proxy_problems"]
BCRYPT = "$2y$05$" + "a" * 53
SHA512 = "$6$salt$" + "b" * 86


def found(users: t.Any, provider: str = "haproxy") -> list[tuple[str, str]]:
    return [(item["where"], item["message"]) for item in problems([], users, "prod", provider)]


def test_nothing_is_wrong() -> None:
    assert problems([self_signed("a.org")], {"staff": {"anna": BCRYPT, "ben": SHA512}}, "prod", "nginx") == []
    assert problems([], {}, "prod", "traefik") == []


def test_a_certificate_and_users_come_together() -> None:
    wrong = problems([{"certificate": "", "key": ""}], {"staff": {"anna": "hunter2"}}, "prod", "haproxy")
    assert [item["where"] for item in wrong] == ["proxy_certificates[0]", "proxy_users.staff.anna"]
    assert "hunter2" not in str(wrong)


def test_a_name_has_one_certificate_for_all_environments() -> None:
    """The first of two would be that of the environment whose name is first."""
    given = [self_signed("a.org", "b.org")]
    other = {"names": ["b.org", "c.org"], "until": "2027-01-02T00:00:00Z"}
    (problem,) = problems(given, {}, "prod", "haproxy", {}, {}, [{**other, "file": "dev.0123456789abcdef.pem"}])
    assert (problem["where"], problem["code"]) == ("proxy_certificates", "certificate.conflict")
    assert problem["message"].startswith(
        "b.org has another certificate in dev, and clients get one of them: this one is valid"
    )
    assert problem["message"].endswith("that until 2027-01-02")
    own = FILES(given, "prod")[0]
    for same in ({**own, "file": own["file"].replace("prod.", "dev.")}, {**own, "file": "prod.other.pem"}):
        assert problems(given, {}, "prod", "haproxy", {}, {}, [same]) == []
    assert problems(given, {}, "prod", "haproxy", {}, {}, [{**other, "names": ["c.org"], "file": "dev.x.pem"}]) == []


@pytest.mark.parametrize("value", ["hunter2", "$1$salt$" + "a" * 22, "$2y$05$short", "", BCRYPT + "\nroot:x"])
def test_what_is_not_a_hash(value: str) -> None:
    assert found({"staff": {"anna": value}}) == [
        ("proxy_users.staff.anna", "is not a password hash that the proxy supports")
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("$2y$07$" + "a" * 53, "a cost of 7"),
        ("$2b$31$" + "a" * 53, "a cost of 31"),
        ("$6$rounds=5001$salt$" + "b" * 86, "rounds of 5001"),
        ("$5$rounds=999999999$salt$" + "b" * 43, "rounds of 999999999"),
    ],
)
@pytest.mark.parametrize("provider", ["haproxy", "nginx", "traefik"])
def test_a_hash_that_takes_too_long(value: str, shown: str, provider: str) -> None:
    (problem,) = problems([], {"staff": {"anna": value}}, "prod", provider)
    assert problem["code"] == "proxy.password_cost"
    assert shown in problem["message"]
    assert value not in str(problem)


@pytest.mark.parametrize("value", ["$2y$04$" + "a" * 53, "$2a$06$" + "a" * 53, "$6$rounds=5000$salt$" + "b" * 86])
def test_a_hash_that_is_compared_quickly(value: str) -> None:
    assert found({"staff": {"anna": value}}) == []


def test_traefik_only_compares_bcrypt() -> None:
    assert found({"staff": {"anna": SHA512, "ben": BCRYPT}}, "traefik") == [
        ("proxy_users.staff.anna", "traefik only supports bcrypt")
    ]


PRIVATE = {"header": "X-Preview", "value": "a-secret-of-20-signs!"}


def private(others: t.Any = None, **given: t.Any) -> list[str]:
    wrong = problems([], {}, "prod", "haproxy", {**PRIVATE, **given}, others or {})
    assert PRIVATE["value"] not in str(wrong)
    return [item["where"] for item in wrong]


def test_a_header_for_preview_access() -> None:
    assert private() == []
    assert private({"test": {**PRIVATE, "value": "another-secret-of-20-signs"}}) == []
    assert problems([], {}, "prod", "haproxy", {}, {"test": PRIVATE}) == []


@pytest.mark.parametrize(
    "header",
    [
        *("", "X Preview", "X_Preview", "X-Preview:", "X-Pr\u00e4view", "X-Preview\n", 7),
        *("host", "Cookie", "Authorization", "Connection", "Content-Type", "X-Forwarded-Host", "X-Switchyard-Key"),
        *("Accept", "If-Match", "Sec-Fetch-Mode", "TE", "X-Request-ID", "Upgrade", "Forwarded", "Proxy-Authorization"),
    ],
)
def test_a_header_with_another_use_or_that_no_proxy_passes_on(header: t.Any) -> None:
    assert private(header=header) == ["proxy_preview_access.header"]


@pytest.mark.parametrize("header", ["X-Preview", "Hostess", "my-accept", "Tea", "IFrame"])
def test_a_header_of_ones_own(header: str) -> None:
    assert private(header=header) == []


@pytest.mark.parametrize(
    "value", ["", "x" * 19, "x" * 19 + " ", "x" * 20 + "\n", "x" * 20 + "\u00e4", 12345678901234567890]
)
def test_a_value_that_is_not_a_secret(value: t.Any) -> None:
    assert private(value=value) == ["proxy_preview_access.value"]


def test_two_environments_never_have_the_same_value() -> None:
    assert private({"test": {"header": "X-Test", "value": PRIVATE["value"]}}) == ["proxy_preview_access.value"]


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    wrong = problems([], {"Staff": {"anna": BCRYPT}}, "prod", "haproxy", {"name": "Host", "value": "short"}, {})
    assert [item["where"] for item in wrong] == [
        "proxy_users.Staff",
        "proxy_preview_access",
        "proxy_preview_access.value",
    ]
    assert private(header="Host", value="short") == ["proxy_preview_access.header", "proxy_preview_access.value"]


def test_names_that_would_break_a_file() -> None:
    assert found({"Staff:": {"anna": BCRYPT}, "empty": {}, "staff": {"an:na": BCRYPT}}) == [
        ("proxy_users.Staff:", "is not a valid name"),
        ("proxy_users.empty", "has no users"),
        ("proxy_users.staff.an:na", "is not a valid user name"),
    ]
