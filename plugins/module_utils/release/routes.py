# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of a checked stack in the form that proxies take."""

from __future__ import annotations

import typing as t

from .. import names
from ..proxy.route_options import options_of_route
from ..proxy.state import Route, StackRoutes, StaticFiles


def routes_of_stack(
    stack: dict[str, t.Any],
    project: str,
    environment: str,
    replicas: dict[str, int],
    ports: t.Mapping[str, t.Sequence[int]] | None = None,
) -> StackRoutes:
    """Return the routes of a checked stack, and the ports on which one of its colors is published."""
    routes = tuple(
        Route(route["service"], route["port"], host, route["path"], options_of_route(route, environment))
        for route in stack["routes"]
        for host in route["hosts"]
    )
    static = tuple(
        # A record of an older version has none.
        StaticFiles(names.volume(project, way["volume"], environment), host, way["path"])
        for way in stack.get("static", [])
        for host in way["hosts"]
    )
    return StackRoutes(project, environment, stack["name"], routes, replicas, static, ports or {})
