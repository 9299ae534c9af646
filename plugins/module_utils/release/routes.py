# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of a stack in the form that proxies take."""

from __future__ import annotations

import typing as t

from .. import names
from ..config.stack import RouteSpec, Stack
from ..proxy.route_options import options_of_route
from ..proxy.state import Route, StackRoutes, StaticFiles


def routes_of_stack(
    stack: Stack,
    project: str,
    environment: str,
    replicas: t.Mapping[str, int],
    ports: t.Mapping[str, t.Sequence[int]] | None = None,
) -> StackRoutes:
    """Return the routes of a stack, and the ports on which one of its colors is published."""
    static = tuple(
        StaticFiles(names.volume(project, stack.name, item.volume, environment), host, item.path)
        for item in stack.static
        for host in item.hosts
    )
    routes = proxy_routes(stack.routes, environment)
    return StackRoutes(project, environment, stack.name, routes, replicas, static, ports or {})


def proxy_routes(routes: t.Iterable[RouteSpec], environment: str) -> tuple[Route, ...]:
    """Return routes in the form that proxies take: one per host."""
    return tuple(
        Route(route.service, route.port, host, route.path, options_of_route(route, environment))
        for route in routes
        for host in route.hosts
    )
