# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role gave the proxy of a server: https port, certificates, user lists; and what a route needs of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from ..errors import Problem
from .route_options import RouteOptions

# Days. A public certificate of 90 days is renewed 30 days before its end: below this, the renewal has failed.
EXPIRES_SOON = 21


@dataclass(frozen=True)
class Certificate:
    """A certificate of the proxy: its host names, and when it expires."""

    names: tuple[str, ...]
    until: datetime

    def covers(self, host: str) -> bool:
        """Return whether a host is one of the names; ``*`` matches one label (RFC 6125, 6.4.3)."""
        parent = f"*.{host.partition('.')[2]}"
        return any(name in (host, parent) for name in self.names)


@dataclass(frozen=True)
class ProxyCapabilities:
    """What the role gave the proxy: an https port or 0, certificates, and user lists.

    Behind an existing Traefik, that one has the certificates. ``trusts_front_proxy`` is whether the forwarding headers
    of that Traefik are trusted.
    """

    https_port: int = 0
    certificates: tuple[Certificate, ...] = ()
    users: tuple[str, ...] = ()
    behind_traefik: bool = False
    trusts_front_proxy: bool = False

    @classmethod
    def from_settings(cls, settings: t.Mapping[str, t.Any]) -> ProxyCapabilities:
        """Return the capabilities in ``proxy.json``."""
        https = settings.get("https") or {}
        certificates = tuple(
            # Written as UTC with a Z, which fromisoformat reads only from Python 3.11 on.
            Certificate(tuple(entry["names"]), datetime.strptime(entry["until"], "%Y-%m-%dT%H:%M:%S%z"))
            for entry in https.get("certificates", [])
        )
        return cls(
            int(https.get("port", 0)),
            certificates,
            tuple(settings.get("users", ())),
            bool(settings.get("behind_traefik")),
            bool(settings.get("trusts_front_proxy")),
        )

    def last_certificate(self, host: str) -> Certificate | None:
        """Return the certificate for a host that is valid longest; None where it has none."""
        matching = (certificate for certificate in self.certificates if certificate.covers(host))
        return max(matching, key=lambda certificate: certificate.until, default=None)

    def has_certificate(self, host: str) -> bool:
        """Return whether the proxy itself answers users of a host with https."""
        has_port = bool(self.https_port) and not self.behind_traefik
        return has_port and any(certificate.covers(host) for certificate in self.certificates)

    def serves_https(self, host: str) -> bool:
        """Return whether users of a host have https, of the proxy or of the existing Traefik in front of it."""
        return self.has_certificate(host) or (self.behind_traefik and bool(self.https_port))

    def missing_prerequisites(
        self, options: RouteOptions, hosts: t.Iterable[str], now: datetime | None = None
    ) -> list[Problem]:
        """Return what route options need and the proxy does not have; ``where`` is the option."""
        problems = []
        https_key = "https" if options.https == "redirect" else "hsts" if options.hsts else None
        if self.behind_traefik and not self.trusts_front_proxy:
            # A route with basic_auth always has a rate.
            rate_key = "basic_auth" if options.basic_auth else "rate_limit"
            needs = [("allow_ips", options.allow_ips), (rate_key, options.rate_limit), (https_key, https_key)]
            for key, needed in needs:
                if key and needed:
                    message = "only the existing Traefik knows the client's address and whether it uses https"
                    hint = "Add its network to proxy_trusted_proxies, then run setup.yml"
                    problems.append(Problem(key, message, hint, "route.client_unknown"))
        elif https_key and not self.https_port:
            hint = "Set proxy_https_port, then run setup.yml"
            problems.append(Problem(https_key, "the proxy has no https port", hint, "route.no_https_port"))
        elif https_key and not self.behind_traefik:
            for host in hosts:
                last = self.last_certificate(host)
                if not last:
                    names = ", ".join(name for certificate in self.certificates for name in certificate.names)
                    message = f"the proxy has no certificate for {host}{names and f', only for {names}'}"
                    hint = "Add it to proxy_certificates, then run setup.yml"
                    problems.append(Problem(https_key, message, hint, "route.no_certificate"))
                elif last.until <= (now or datetime.now(timezone.utc)):
                    message = f"the proxy's certificate for {host} expired on {last.until:%Y-%m-%d}"
                    hint = "Add a new one to proxy_certificates, then run setup.yml"
                    problems.append(Problem(https_key, message, hint, "route.certificate_expired"))
        if options.basic_auth and options.basic_auth not in self.users:
            message = f"the proxy has no user list {options.basic_auth.partition('.')[2]}"
            hint = "Add it to proxy_users, then run setup.yml"
            problems.append(Problem("basic_auth", message, hint, "route.no_user_list"))
        return problems
