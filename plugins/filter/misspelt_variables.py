# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of an inventory with the misspelt name of a variable of this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils.known_variables import misspelt_variables

DOCUMENTATION = r"""
name: misspelt_variables
short_description: Variables of an inventory with the misspelt name of a variable of this collection
description:
  - Returns a sentence for each variable that has no effect, with the name that was probably meant.
  - Reports only names that are very close to a variable of a role, because inventories have variables of their own.
options:
  _input:
    description: Names of variables.
    type: list
    elements: str
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ hostvars[inventory_hostname] | switchyard.stacks.misspelt_variables }}"
"""

RETURN = r"""
_value:
  description: The sentences.
  type: list
  elements: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"misspelt_variables": misspelt_variables}
