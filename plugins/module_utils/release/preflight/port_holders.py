# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: nothing else listens on a port of the proxy that does not answer."""

from __future__ import annotations

import typing as t

from ... import atomic_file, paths
from ...errors import Problem
from ...proxy import preflight as proxy_preflight
from .context import HostCheckContext

NEEDS = ("engine",)


def check(context: HostCheckContext) -> list[Problem]:
    """Return the ports of the proxy with the container or process that holds them."""
    # A proxy that answers has its ports.
    if "proxy" not in context.failures:
        return []
    settings = atomic_file.read_json(paths.proxy_settings(context.host.root)) or {}
    ports = ports_of(settings)
    if not ports:
        return []
    request = proxy_preflight.ProxyRequest(str(settings.get("provider", "")), ports, str(settings.get("unit", "")))
    facts = proxy_preflight.gather_facts(context.host, [port for _address, port in ports])
    found = proxy_preflight.problems(context.host, request, facts)
    return [problem for problem in found if problem.code == "proxy.port_in_use"]


def ports_of(settings: t.Mapping[str, t.Any]) -> tuple[tuple[str, int], ...]:
    """Return the addresses and ports of the server that ``proxy.json`` gives the proxy."""
    address = str(settings.get("address") or "")
    ports = [settings.get("port"), (settings.get("https") or {}).get("port")]
    # Behind an existing Traefik the proxy has no port of the server, and no address.
    return tuple((address, int(port)) for port in ports if port) if address else ()
