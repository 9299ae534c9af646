# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the shared servers that a stack uses are in its network."""

from __future__ import annotations

from ... import atomic_file, names, paths
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("engine",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the servers that the stack would not reach, because its network was removed or never created."""
    ctx, stack = context.ctx, context.stack
    back = names.back(ctx.project, ctx.stack, ctx.environment)
    # The database of the stack may be on a server that setup.yml did not start.
    tenants = atomic_file.read(paths.postgres_tenants(ctx.host.root, ctx.environment)) or ""
    is_tenant = f'"{names.database(ctx.stack, ctx.environment)}"' in tenants
    problems = []
    used = [("postgres", stack.shared_database and is_tenant), ("redis", stack.redis)]
    for role in (name for name, uses in used if uses):
        # The Redis of another environment is none of its own.
        usable = [one for one in context.host.servers if one.label("environment") in ("", ctx.environment)]
        servers = [one for one in usable if one.label("role") == role]
        if servers and not any(back in server.addresses for server in servers):
            message = f"{' and '.join(sorted(one.name for one in servers))} is not in the network {back} of the stack"
            problems.append(Problem(f"{context.where}.{role}", message, "Run setup.yml", "server.network_missing"))
    return problems
