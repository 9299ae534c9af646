# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the names of the stack's containers, networks and volumes are free on the server."""

from __future__ import annotations

from ... import names
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")

RENAME = {
    "container": "Rename the service or the stack",
    "network": "Rename the network, or declare it external to share it",
    "volume": "Rename the volume, or declare it external to share it",
}


def check(context: StackCheckContext) -> list[Problem]:
    """Return the names that a resource of the server has and that is not of this stack."""
    ctx, in_use = context.ctx, context.host.names_in_use
    own = (ctx.project, ctx.stack, ctx.environment)
    reserved = names.reserved(ctx.project, ctx.environment)
    owners = {
        (kind, name): names.owner(in_use[kind, name])
        for kind, name in context.resources
        if (kind, name) in in_use and name not in reserved
    }
    return [
        Problem(
            context.where, f"the {kind} {name} exists and belongs to {_shown(owner)}", RENAME[kind], "name.conflict"
        )
        for (kind, name), owner in owners.items()
        if owner != own
    ]


def _shown(owner: tuple[str, str, str] | None) -> str:
    """Return who owns a resource, in words."""
    if not owner:
        return "no stack"
    project, stack, environment = owner
    return f"{f'the stack {stack}' if stack else 'the shared servers'} (project {project}, {environment or 'shared'})"
