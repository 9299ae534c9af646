# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the memory limits of a stack fit into the memory of the server."""

from __future__ import annotations

import typing as t

from ...engine.compose_roles import replicas_of, roles_of
from ...engine.models import Mapping
from ...errors import WARNING, Problem
from .context import StackCheckContext
from .limit_notices import memory_limit

NEEDS = ("compose", "engine")

# Both colors of such a service run while a release starts.
TWICE = ("routed", "inner")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the limits that are larger than the server's memory, or that all limits together are."""
    if not any(memory_limit(service) for service in context.services.values()):
        return []
    roles = roles_of(context.normalised, context.stack)
    return problems(context.normalised, roles, context.where, context.ctx.engine.facts().memory)


def problems(normalised: Mapping, roles: t.Mapping[str, str], where: str, memory: int) -> list[Problem]:
    """Return the problems of ``check``; ``memory`` is the server's, in bytes."""
    services = normalised.get("services", {})
    limits = {name: bytes_of(memory_limit(service)) for name, service in services.items()}
    result = [
        Problem(
            f"{where}.compose.services.{name}.mem_limit",
            f"{shown(limit)} are more than the memory of the server ({shown(memory)})",
            "Lower it: the server kills processes when its own memory is full",
            "server.memory",
            severity=WARNING,
        )
        for name, limit in limits.items()
        if limit > memory
    ]
    total = sum(
        limit * replicas_of(normalised, name) * (2 if roles[name] in TWICE else 1) for name, limit in limits.items()
    )
    if total > memory and not result:
        message = (
            f"the memory limits are {shown(total)} while a release runs both colors, and the server has {shown(memory)}"
        )
        hint = "Lower the limits, or take a larger server"
        result.append(Problem(f"{where}.compose", message, hint, "server.memory", severity=WARNING))
    return result


def bytes_of(limit: t.Any) -> int:
    """Return a limit in bytes, as Compose writes it in the normal form; 0 without one."""
    return int(limit) if str(limit or "").isdigit() else 0


def shown(size: int) -> str:
    """Return a number of bytes for a message."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**29 else f"{size / 2**20:.0f} MiB"
