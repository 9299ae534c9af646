# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the stack takes no name of the proxy, the shared servers and their networks."""

from __future__ import annotations

import typing as t

from ... import names
from ...engine.models import Mapping
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the names on the server, and the host names in the Compose files, that belong to shared servers."""
    ctx = context.ctx
    reserved = names.reserved(ctx.project, ctx.environment)
    problems = [
        Problem(
            context.where,
            f"the {kind} would have the name {name} of a shared server or its network",
            f"Rename the {kind if kind != 'container' else 'service'}",
            "name.reserved",
        )
        for kind, name in context.resources
        if name in reserved
    ]
    hosts = names.shared_hosts(ctx.project)
    return problems + [
        Problem(
            f"{context.where}.compose.services.{service}.{key}".rstrip("."),
            f"{name} is the host name of a shared server",
            "Choose another name",
            "name.reserved",
        )
        for service, definition in context.services.items()
        for key, name in host_names(service, definition)
        if name.lower() in hosts
    ]


def host_names(service: str, definition: Mapping) -> t.Iterator[tuple[str, str]]:
    """Yield each host name that a service has, or that it gives another one by a link, with the key of it.

    The key of the service's own name is empty.
    """
    yield "", service
    for key in ("container_name", "hostname"):
        if definition.get(key):
            yield key, definition[key]
    for key in ("links", "external_links"):
        for link in definition.get(key) or []:
            yield key, link.rpartition(":")[2]
    for network, joined in (definition.get("networks") or {}).items():
        for alias in (joined or {}).get("aliases") or []:
            yield f"networks.{network}.aliases", alias
