# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: a service without ``egress`` has no other way out."""

from __future__ import annotations

from ...engine.compose_networks import Networks
from ...engine.compose_roles import roles_of
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine", "proxy")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the services for which the inventory says ``false``, and that reach other addresses nevertheless."""
    ctx, stack = context.ctx, context.stack
    networks = Networks(context.normalised, stack, ctx.project, ctx.environment, roles_of(context.normalised, stack))
    problems = []
    for service in (name for name, allowed in stack.egress.items() if name in networks.roles and not allowed):
        where, remedy = f"{context.where}.egress.{service}", f"write {service}: true"
        for way in networks.other_ways_out(service):
            present = context.host.networks.get(way)
            if not (present and present.internal):
                message = f"{service} has a way out in spite of false: {way}"
                hint = f"Remove it from the Compose files, use an internal network, or {remedy}"
                problems.append(Problem(where, message, hint, "stack.egress"))
        if networks.roles[service] == "routed" and ctx.proxy.ports:
            message = (
                f"{service} has a way out in spite of false: the proxy runs on the server itself, and reaches a port "
                "that the service publishes"
            )
            problems.append(Problem(where, message, f"Use proxy_install: container, or {remedy}", "stack.egress"))
    return problems
