# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of an inventory's stacks."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: stack_routes
short_description: The routes of an inventory's stacks
description:
  - Returns each stack that the proxy serves, with the service, port, hosts and path of its routes, and C(static) where
    it has that. No other key is evaluated, so that a variable without a value is missed only where it is needed.
  - Leaves out stacks with the strategy V(in_place), which run without the proxy.
options:
  _input:
    description: The list of stacks.
    type: list
    elements: dict
    required: true
  static:
    description: Whether a stack has its key C(static) too, for the proxy that serves the files.
    type: bool
    default: false
positional: static
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
stacks: "{{ switchyard_stacks | switchyard.stacks.stack_routes }}"
# [{"name": "bookings", "routes": [{"service": "web", "port": 8000, "hosts": ["bookings.example.org"]}]}]
"""

RETURN = r"""
_value:
  description: The stacks with C(name) and C(routes).
  type: list
  elements: dict
"""

KEYS = ("service", "port", "hosts", "path")


def stack_routes(stacks: list[dict[str, t.Any]], static: bool = False) -> list[dict[str, t.Any]]:
    """Return the stacks that the proxy serves, with their routes, and their static files where those are asked for."""
    return [
        {
            "name": stack["name"],
            "routes": [{key: route[key] for key in KEYS if key in route} for route in stack["routes"]],
            **({"static": stack["static"]} if static and stack.get("static") else {}),
        }
        for stack in stacks
        if stack.get("routes") and stack.get("strategy") != "in_place"
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"stack_routes": stack_routes}
