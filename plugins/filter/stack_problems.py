# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of stacks that do not exist, as problems."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils import request

DOCUMENTATION = r"""
name: stack_problems
short_description: The names of stacks that do not exist, as problems
description:
  - Returns a problem for each name that is not known, with the closest known name.
options:
  _input:
    description: Names of stacks, as a list or as one text (V(a,b)).
    type: raw
    required: true
  known:
    description: Names of the stacks that exist.
    type: list
    elements: str
    required: true
positional: known
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
problems: "{{ ['shpo'] | switchyard.stacks.stack_problems(['blog', 'shop']) }}"
"""

RETURN = r"""
_value:
  description: The problems, as those of M(switchyard.stacks.preflight).
  type: list
  elements: dict
"""


def stack_problems(names: t.Any, known: t.Collection[str]) -> list[dict[str, str]]:
    """Return the problems."""
    return [problem.as_dict() for problem in request.stack_problems(names, known)]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"stack_problems": stack_problems}
