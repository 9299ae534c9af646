# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy was given: https port, certificates, user lists; and what is missing for a route."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from ..errors import Problem
from .route_options import RouteOptions


@dataclass(frozen=True)
class Certificate:
    """A certificate that the proxy has: the host names in it, and the moment it ends."""

    names: tuple[str, ...]
    until: datetime

    def covers(self, host: str) -> bool:
        """Return whether a host is one of the names; ``*`` stands for one label (RFC 6125, 6.4.3)."""
        parent = f"*.{host.partition('.')[2]}"
        return any(name in (host, parent) for name in self.names)


@dataclass(frozen=True)
class ProxyCapabilities:
    """What the role gave the proxy of a server: an https port or none, certificates, and lists of users.

    ``edge`` is empty where clients come to the proxy itself. Behind a Traefik that has the certificates it says whether
    what that one tells of a client is believed: ``trusted`` or ``unknown``.
    """

    https_port: int = 0
    certificates: tuple[Certificate, ...] = ()
    users: tuple[str, ...] = ()
    edge: str = ""

    @classmethod
    def of(cls, settings: t.Mapping[str, t.Any]) -> ProxyCapabilities:
        """Return it from ``proxy.json``; what an older version of the role wrote has none of it."""
        https = settings.get("https") or {}
        certificates = tuple(
            # Written as UTC with a Z, which fromisoformat only reads from Python 3.11 on.
            Certificate(tuple(one["names"]), datetime.strptime(one["until"], "%Y-%m-%dT%H:%M:%S%z"))
            for one in https.get("certificates", [])
        )
        port, users = int(https.get("port", 0)), tuple(settings.get("users", ()))
        return cls(port, certificates, users, settings.get("edge", ""))

    def missing_prerequisites(
        self, options: RouteOptions, hosts: t.Iterable[str], now: datetime | None = None
    ) -> list[Problem]:
        """Return what the options of a route need and the proxy does not have; ``where`` is the option."""
        problems = []
        wanted = "https" if options.https == "redirect" else "hsts" if options.hsts else None
        if self.edge == "unknown":
            for key, needed in (("allow_ips", options.allow_ips), ("rate_limit", options.rate_limit), (wanted, wanted)):
                if key and needed:
                    message = "who asks, and whether by https, only the Traefik in front knows"
                    hint = "Name its network in proxy_trusted_proxies, then run setup.yml"
                    problems.append(Problem(key, message, hint, "route.client_unknown"))
        elif wanted and not self.https_port:
            hint = "Set proxy_https_port, then run setup.yml"
            problems.append(Problem(wanted, "the proxy has no https port", hint, "route.no_https_port"))
        elif wanted and not self.edge:
            for host in hosts:
                fitting = [one for one in self.certificates if one.covers(host)]
                if not fitting:
                    message = f"the proxy has no certificate for {host}"
                    hint = "Add it to proxy_certificates, then run setup.yml"
                    problems.append(Problem(wanted, message, hint, "route.no_certificate"))
                elif all(one.until <= (now or datetime.now(timezone.utc)) for one in fitting):
                    message = (
                        f"the proxy's certificate for {host} ended on {max(one.until for one in fitting):%Y-%m-%d}"
                    )
                    hint = "Put a new one into proxy_certificates, then run setup.yml"
                    problems.append(Problem(wanted, message, hint, "route.certificate_expired"))
        if options.basic_auth and options.basic_auth not in self.users:
            message = f"the proxy knows no list of users {options.basic_auth.partition('.')[2]}"
            hint = "Add it to proxy_users, then run setup.yml"
            problems.append(Problem("basic_auth", message, hint, "route.no_user_list"))
        return problems
