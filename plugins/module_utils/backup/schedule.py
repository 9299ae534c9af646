# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the schedule of backups that an inventory asks for."""

from __future__ import annotations

import re

from ..errors import Problem

# A time of day, as systemd.time(7) and crontab(5) take it after conversion
TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


def schedule_problems(root: str, daily_at: str, check_weekly_at: str, repository: str) -> list[Problem]:
    """Return the mistakes in a schedule; an empty time means no timer."""
    problems = []
    for name, value in (("backup_daily_at", daily_at), ("backup_check_weekly_at", check_weekly_at)):
        if value and not TIME_OF_DAY.match(value):
            problems.append(Problem(name, f"{value} is not a time of day", "Write it as 03:30", "schedule.time"))
    if check_weekly_at and not repository:
        message = "there are no off-site copies to check"
        hint = "Set backup_repository, or leave it out"
        problems.append(Problem("backup_check_weekly_at", message, hint, "schedule.no_repository"))
    # systemd and cron quote differently: only paths that need no quotes are supported.
    if (daily_at or check_weekly_at) and not re.fullmatch(r"[\w./+-]+", root):
        message = f"a timer cannot start a program in {root}"
        problems.append(Problem("backup_root", message, "Use letters, digits, and ./_+-", "schedule.root"))
    return problems
