# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Since when a stack with nothing to do runs as it should."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils.release_report import unchanged_line

DOCUMENTATION = r"""
name: unchanged_release
short_description: Since when a stack with nothing to do runs as it should
description:
  - Returns the live version of a stack that is not released, since when it is live, and who released it.
options:
  _input:
    description: The plan of M(switchyard.stacks.preflight).
    type: dict
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
positional: environment
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ plan | switchyard.stacks.unchanged_release('prod') }}"
"""

RETURN = r"""
_value:
  description: The line.
  type: str
"""


def unchanged_release(plan: t.Mapping[str, t.Any], environment: str) -> str:
    """Return the line about a stack with nothing to do."""
    return unchanged_line(plan, environment)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"unchanged_release": unchanged_release}
