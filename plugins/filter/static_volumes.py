# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volumes whose files the proxy answers with, for the role proxy."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils import names

DOCUMENTATION = r"""
name: static_volumes
short_description: The volumes whose files the proxy answers with
description:
  - Returns the volumes of C(static) of the stacks, each once.
options:
  _input:
    description: The list of stacks.
    type: list
    elements: dict
    required: true
  project:
    description: The team's prefix.
    type: str
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
positional: project, environment
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
volumes: "{{ switchyard_stacks | switchyard.stacks.static_volumes('po', 'prod') }}"
# [{"name": "po-bookings-media-prod", "stack": "bookings"}]
"""

RETURN = r"""
_value:
  description: The volumes with the C(name) that they have on a server, and the C(stack) that they belong to.
  type: list
  elements: dict
"""


def static_volumes(stacks: list[dict[str, t.Any]], project: str, environment: str) -> list[dict[str, str]]:
    """Return the volumes in the order of the inventory."""
    found: dict[str, str] = {}
    for stack in stacks:
        for static in stack.get("static") or []:
            found.setdefault(names.volume(project, stack["name"], static["volume"], environment), stack["name"])
    return [{"name": name, "stack": stack} for name, stack in found.items()]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"static_volumes": static_volumes}
