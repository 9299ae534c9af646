# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: no other stack on the server has a route of this one."""

from __future__ import annotations

from ...errors import Problem
from ..routes import routes_of_stack
from .context import StackCheckContext

NEEDS = ("engine", "proxy")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the hosts and paths that another stack has in the running proxy."""
    ctx = context.ctx
    routing = routes_of_stack(context.stack, ctx.project, ctx.environment, {})
    addresses = [route.address for route in routing.routes] + [static.address for static in routing.static]
    owners = {address: context.host.proxy_state.stack_of_route(address) for address in addresses}
    return [
        Problem(
            f"{context.where}.routes",
            f"{address} leads to {owner} on this server",
            "Take another host name, or retire that stack first",
            "route.conflict",
        )
        for address, owner in owners.items()
        if owner not in (None, ctx.key)
    ]
