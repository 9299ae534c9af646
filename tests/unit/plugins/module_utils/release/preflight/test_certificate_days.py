"""How long the certificates of routes are valid."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from fakes import HOST, Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import Certificate, ProxyCapabilities
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import certificate_days
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("days", "needs_https", "code"),
    [
        (60, False, ""),
        (21, False, ""),
        (20, False, "certificate.expires_soon"),
        (20, True, "certificate.expires_soon"),
        (-1, False, "certificate.expired"),
        # The route has this problem already.
        (-1, True, ""),
    ],
)
def test_the_days_that_are_left(days: int, needs_https: bool, code: str) -> None:
    certificate = Certificate(("*.example.org",), NOW + timedelta(days=days, hours=1))
    proxy = ProxyCapabilities(certificates=(certificate,))
    found = certificate_days.problems({HOST: needs_https, "other.org": True}, proxy, NOW)
    assert [problem.code for problem in found] == ([code] if code else [])
    severities = {"certificate.expires_soon": "warning", "certificate.expired": "error"}
    assert all(problem.severity == severities[code] for problem in found)


def test_the_certificate_that_is_valid_longest_counts() -> None:
    both = tuple(Certificate((HOST,), NOW + timedelta(days=days)) for days in (3, 80))
    assert certificate_days.problems({HOST: False}, ProxyCapabilities(certificates=both), NOW) == []
    (problem,) = certificate_days.problems({HOST: False}, ProxyCapabilities(certificates=both[:1]), NOW)
    assert problem.message == f"the proxy's certificate for {HOST} expires in 3 days, on 2026-03-04"


def test_the_certificates_of_the_running_proxy_are_checked(machine: Machine) -> None:
    until = datetime.now(timezone.utc) + timedelta(days=5)
    machine.proxy.capabilities = replace(machine.proxy.capabilities, certificates=(Certificate((HOST,), until),))
    context = HostCheckContext(machine.host, specs=[given()])
    assert [problem.code for problem in certificate_days.check(context)] == ["certificate.expires_soon"]
    assert certificate_days.check(replace(context, needs_proxy=False)) == []
