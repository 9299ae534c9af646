from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from certificates import NOW, issued, self_signed

from ansible_collections.switchyard.stacks.plugins.plugin_utils import certificates


def problems(*given: t.Any) -> list[str]:
    return [str(problem) for problem in certificates.read(list(given), "prod", NOW)[1]]


def test_what_a_certificate_says() -> None:
    pairs, found = certificates.read([self_signed("Shop.example.org", "*.shop.example.org")], "prod", NOW)
    assert found == []
    assert pairs[0].names == ("shop.example.org", "*.shop.example.org")
    assert pairs[0].until == NOW + timedelta(days=30)


def test_a_new_certificate_has_another_file() -> None:
    first, second = (certificates.read([self_signed("a.org")], "prod", NOW)[0][0] for _ in range(2))
    assert first.file("prod") != second.file("prod")
    assert first.file("prod") == first.file("prod")
    assert first.file("prod").startswith("prod.")


def test_the_chain_and_the_key_are_one_file() -> None:
    content = certificates.read([issued("a.org")], "prod", NOW)[0][0].content
    assert [line for line in content.splitlines() if "BEGIN" in line] == [
        *["-----BEGIN CERTIFICATE-----"] * 3,
        "-----BEGIN PRIVATE KEY-----",
    ]


def parts(item: dict[str, str]) -> list[str]:
    end = "-----END CERTIFICATE-----\n"
    return [part + end for part in item["certificate"].split(end) if part]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((0,), None),
        ((0, 1), None),
        ((0, 1, 2), None),
        ((1, 0, 2), "the certificate of the key is number 2 of the chain"),
        ((2, 1, 0), "the certificate of the key is number 3 of the chain"),
        (
            (0, 2, 1),
            "the chain is not in order: certificate 2 (CN=root) has not issued certificate 1 (CN=leaf)",
        ),
        (
            (0, 1, 1),
            "the chain is not in order: certificate 3 (CN=intermediate) has not issued certificate 2 (CN=intermediate)",
        ),
    ],
)
def test_the_order_of_a_chain(order: tuple[int, ...], expected: str | None) -> None:
    item = issued("a.org")
    given = {**item, "certificate": "".join(parts(item)[number] for number in order)}
    found = certificates.read([given], "prod", NOW)[1]
    assert [problem.message for problem in found] == ([expected] if expected else [])


def test_an_issuer_of_the_same_name_with_another_key_is_not_the_issuer() -> None:
    item, other = issued("a.org"), issued("a.org")
    (problem,) = certificates.read([{**item, "certificate": parts(item)[0] + parts(other)[1]}], "prod", NOW)[1]
    assert problem.message.startswith("the chain is not in order: certificate 2 (CN=intermediate)")


def test_a_chain_expires_with_its_first_certificate() -> None:
    day = timedelta(days=1)
    (pair,), found = certificates.read([issued("a.org", ends=(NOW + 30 * day, NOW + 9 * day))], "prod", NOW)
    assert (pair.until, found) == (NOW + 9 * day, [])
    for ends, shown in (
        ((NOW + day, NOW - day), "CN=intermediate in the chain of the certificate of a.org"),
        ((NOW - day, NOW + day), "the certificate of a.org"),
    ):
        (problem,) = certificates.read([issued("a.org", ends=ends)], "prod", NOW)[1]
        assert (problem.code, problem.message) == (
            "certificate.expired",
            f"{shown} expired on {NOW - day:%Y-%m-%d}",
        )


def test_all_problems_are_reported_together() -> None:
    mine, other = self_signed("a.org"), self_signed("b.org")
    found = problems(
        {"certificate": mine["certificate"], "key": other["key"]},
        {"certificate": "hunter2", "key": mine["key"]},
        {"certificate": mine["certificate"], "key": "hunter2"},
        {"certificate": mine["certificate"]},
        "hunter2",
        self_signed("old.org", end=NOW - timedelta(days=1)),
        self_signed("new.org", begin=NOW + timedelta(days=1)),
        self_signed(),
        self_signed("locked.org", password=b"hunter2"),
        mine,
        mine,
    )
    expected = [
        "[0]: the certificate does not belong to the key",
        "[1]: the certificate is not in PEM form",
        "[2]: the key is not in PEM form",
        "[3]: is not a certificate with its key",
        "[4]: is not a certificate with its key",
        f"[5]: the certificate of old.org expired on {NOW - timedelta(days=1):%Y-%m-%d}",
        f"[6]: the certificate of new.org is only valid from {NOW + timedelta(days=1):%Y-%m-%d}",
        "[7]: the certificate names no host",
        "[8]: the key has a password",
        "[10]: occurs twice",
    ]
    assert [line.split(". ")[0].removeprefix("proxy_certificates") for line in found] == expected
    assert "hunter2" not in str(found)
    assert "PRIVATE" not in str([line for line in found if "PEM" not in line])


def test_the_clock_of_the_controller_counts() -> None:
    assert certificates.read([self_signed("a.org", end=datetime(2020, 1, 1, tzinfo=timezone.utc))], "prod")[1]


@pytest.mark.parametrize("given", [[], ()])
def test_no_certificates(given: t.Any) -> None:
    assert certificates.read(given, "prod") == ([], [])
