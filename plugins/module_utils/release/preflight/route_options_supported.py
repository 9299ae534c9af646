# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the proxy of this server supports the options of every route."""

from __future__ import annotations

from dataclasses import replace

from ...errors import Problem
from ...proxy.route_options import options_of_route
from .context import StackCheckContext

NEEDS = ("engine", "proxy")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the route options that this kind of proxy does not support, or that it was not set up for."""
    proxy, problems = context.ctx.proxy, []
    for index, route in enumerate(context.stack.routes):
        where = f"{context.where}.routes[{index}]"
        options = options_of_route(route, context.ctx.environment)
        problems += [
            Problem(f"{where}.{key}", message, "Take it out, or take another proxy", "route.option_unsupported")
            for key, message in proxy.unsupported_options(options)
        ]
        problems += [
            replace(problem, where=f"{where}.{problem.where}")
            for problem in proxy.capabilities.missing_prerequisites(options, route.hosts)
        ]
    return problems
