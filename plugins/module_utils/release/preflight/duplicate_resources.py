# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: no other stack of the inventory creates a container, network or volume of this one."""

from __future__ import annotations

from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the names that a resource of an earlier stack of the inventory has as well."""
    first = {resource: context.claims.get(resource, context.where) for resource in context.resources}
    return [
        Problem(
            context.where,
            f"the {kind} {name} belongs to {where} as well",
            "Rename a stack, or a service, network or volume of one",
            "name.duplicate",
        )
        for (kind, name), where in first.items()
        if where != context.where
    ]
