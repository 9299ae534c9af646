# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the names of the stack's containers, networks and volumes are free on the server."""

from __future__ import annotations

from ... import names
from ...engine import compose_roles
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the names that a network or volume of another stack has, or a container that is not of this stack."""
    ctx, problems = context.ctx, []
    for kind, name in context.resources:
        owner = ctx.engine.owning_stack(kind, name)
        if owner not in (None, ctx.stack):
            message = f"the {kind} {name} belongs to the stack {owner}"
            hint = f"Rename the {kind}, or declare it external to share it"
            problems.append(Problem(context.where, message, hint, "name.conflict"))
    for service, role in compose_roles.roles_of(context.normalised, context.stack).items():
        colors: tuple[str | None, ...] = names.COLORS if role in ("routed", "inner") else (None,)
        for name in (names.container(ctx.project, service, ctx.environment, color) for color in colors):
            container = ctx.engine.container(name)
            if container and not ctx.owns(container):
                message = f"the name {name} belongs to a container that is not of this stack"
                hint = f"Rename the service, or remove it: docker rm -f {name}"
                problems.append(Problem(context.where, message, hint, "name.conflict"))
    return problems
