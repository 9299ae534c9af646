# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: no foreign container of the server takes the requests for a host of this inventory.

Traefik and Caddy read their routes from the labels of containers.
"""

from __future__ import annotations

import re
import typing as t

from ... import names
from ...errors import ERROR, WARNING, Problem
from .context import HostCheckContext
from .route_dns import hosts_of

NEEDS = ("engine",)

_RULE = re.compile(r"\Atraefik\.https?\.routers\.[^.]+\.rule\Z|\Atraefik\.tcp\.routers\.[^.]+\.rule\Z")
_CADDY = re.compile(r"\Acaddy(_\d+)?\Z")
# Host(`a`) || Host(`b`), and HostSNI of TCP routers (Traefik documentation, "Rules & Priority")
_HOSTS = re.compile(r"Host(?:SNI)?\(([^)]*)\)", re.IGNORECASE)


def check(context: HostCheckContext) -> list[Problem]:
    """Return the hosts of routes that a container with labels of another proxy claims."""
    if not context.needs_proxy:
        return []
    behind = "proxy" not in context.failures and context.host.proxy.capabilities.behind_traefik
    containers = {
        name: labels
        for (kind, name), labels in context.names_in_use.items()
        if kind == "container" and labels.get(f"{names.LABEL}project") != context.host.project
    }
    return problems(hosts_of(context), containers, ERROR if behind else WARNING)


def problems(
    hosts: t.Mapping[str, str], containers: t.Mapping[str, t.Mapping[str, str]], severity: str
) -> list[Problem]:
    """Return the problems of ``check``; ``containers`` are the labels of the foreign ones, by name."""
    holders = {host: name for name, labels in containers.items() for host in claimed_hosts(labels)}
    return [
        Problem(
            where,
            f"the container {holders[host]} claims {host} by its labels for another proxy",
            "Take another host name, or remove the labels from that container",
            "route.foreign",
            severity=severity,
        )
        for host, where in hosts.items()
        if host in holders
    ]


def claimed_hosts(labels: t.Mapping[str, str]) -> set[str]:
    """Return the host names that the labels of a container route to it."""
    found: set[str] = set()
    for label, value in labels.items():
        if _RULE.match(label):
            found |= {host for inner in _HOSTS.findall(value) for host in re.findall(r"[\w.-]+", inner)}
        elif _CADDY.match(label):
            found |= {re.sub(r"\A\w+://|[:/].*\Z", "", host) for host in re.split(r"[\s,]+", value)}
    return {host.lower() for host in found} - {""}
