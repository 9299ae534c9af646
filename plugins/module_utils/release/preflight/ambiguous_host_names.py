# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: a host name does not belong to a service of a color and to one that runs once."""

from __future__ import annotations

from ...engine.compose_networks import Networks
from ...engine.compose_roles import roles_of
from ...engine.host_names import ONCE
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the host names that lead to a color and to a worker or accessory at the same time."""
    ctx, roles = context.ctx, roles_of(context.normalised, context.stack)
    host_names = Networks(context.normalised, context.stack, ctx.project, ctx.environment, roles).host_names
    return [
        Problem(
            f"{context.where}.compose.services.{services[-1]}",
            f"the host name {name} belongs to {_shown(services, roles)}; it would resolve to one of them",
            "Give each of them a name of its own",
            "compose.host_name_ambiguous",
        )
        for name, services in host_names.ambiguous().items()
    ]


def _shown(services: list[str], roles: dict[str, str]) -> str:
    return " and ".join(f"{one} ({'runs once' if roles[one] in ONCE else 'once per color'})" for one in services)
