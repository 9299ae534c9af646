# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the names of the stack's containers, networks and volumes are free on the server."""

from __future__ import annotations

from ... import names
from ...engine.ownership import RENAME, conflict
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the names that a resource of the server has and that is not of this stack."""
    ctx, in_use = context.ctx, context.host.names_in_use
    own = (ctx.project, ctx.stack, ctx.environment)
    reserved = names.reserved(ctx.project, ctx.environment)
    found = {
        (kind, name): conflict(kind, name, in_use[kind, name], own)
        for kind, name in context.resources
        if (kind, name) in in_use and name not in reserved
    }
    return [
        Problem(context.where, text, RENAME[kind], "name.conflict") for (kind, _name), text in found.items() if text
    ]
