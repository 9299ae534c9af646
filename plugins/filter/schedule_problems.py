# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mistakes in a schedule of backups, for the role backup."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import schedule

DOCUMENTATION = r"""
name: schedule_problems
short_description: The mistakes in a schedule of backups
description:
  - Checks the times of the timers before anything is changed.
options:
  _input:
    description: The role's variable C(backup_root).
    type: str
    required: true
  daily_at:
    description: The role's variable C(backup_daily_at).
    type: str
    required: true
  check_weekly_at:
    description: The role's variable C(backup_check_weekly_at).
    type: str
    required: true
  repository:
    description: The role's variable C(backup_repository).
    type: str
    required: true
positional: daily_at, check_weekly_at, repository
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
problems: "{{ '/var/lib/switchyard' | switchyard.stacks.schedule_problems('03:30', '', '') }}"
"""

RETURN = r"""
_value:
  description: The problems, as those of M(switchyard.stacks.preflight).
  type: list
  elements: dict
"""


def schedule_problems(root: str, daily_at: str, check_weekly_at: str, repository: str) -> list[dict[str, str]]:
    """Return the problems as dictionaries."""
    problems = schedule.schedule_problems(root, daily_at, check_weekly_at, repository)
    return [problem.as_dict() for problem in problems]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"schedule_problems": schedule_problems}
