# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the proxy's certificates for the routes of this inventory are valid for some weeks."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ...errors import ERROR, WARNING, Problem
from ...proxy.capabilities import EXPIRES_SOON, ProxyCapabilities
from .context import HostCheckContext

NEEDS = ("engine", "proxy")


def check(context: HostCheckContext) -> list[Problem]:
    """Return the certificates of hosts of routes that expire soon or have expired."""
    if not context.needs_proxy:
        return []
    hosts: dict[str, bool] = {}
    for spec in context.specs:
        for _kind, _index, endpoint in spec.stack.endpoints:
            needs_https = getattr(endpoint, "https", "") == "redirect" or bool(getattr(endpoint, "hsts", 0))
            hosts.update({host: hosts.get(host, False) or needs_https for host in endpoint.hosts})
    return problems(hosts, context.host.proxy.capabilities, datetime.now(timezone.utc))


def problems(hosts: t.Mapping[str, bool], capabilities: ProxyCapabilities, now: datetime) -> list[Problem]:
    """Return the problems of ``check``; ``hosts`` has for each host whether a route needs HTTPS there.

    The expired certificate of a route that needs HTTPS is a problem of the route.
    """
    result = []
    for host, needs_https in hosts.items():
        certificate = capabilities.last_certificate(host)
        if not certificate:
            continue
        last = certificate.until
        days = (last - now).days
        if last <= now and not needs_https:
            message = f"the proxy's certificate for {host} expired on {last:%Y-%m-%d}"
            result.append(_problem(message, code="certificate.expired", severity=ERROR))
        elif now < last and days < EXPIRES_SOON:
            message = f"the proxy's certificate for {host} expires in {days} days, on {last:%Y-%m-%d}"
            result.append(_problem(message, code="certificate.expires_soon", severity=WARNING))
    return result


def _problem(message: str, *, code: str, severity: str) -> Problem:
    hint = "Add a new one to proxy_certificates, then run setup.yml"
    return Problem("proxy_certificates", message, hint, code, severity=severity)
