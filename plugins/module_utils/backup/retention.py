# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backups are removed, and which never are."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .manifest import STATES

DAY = 86400.0


@dataclass(frozen=True)
class RetentionPolicy:
    """How many backups are kept and for how many days; one that either keeps stays. None sets no limit."""

    count: int | None = None
    days: float | None = None


class RetainedItem(t.Protocol):
    """The properties of a backup that decide; a manifest has them."""

    @property
    def name(self) -> str:
        """Its name, which ends with its number."""

    @property
    def state(self) -> str:
        """How far it was verified."""

    @property
    def finished(self) -> float:
        """When it was complete (seconds since the epoch)."""


@dataclass(frozen=True)
class PlannedBackup:
    """A backup that is not made yet, or one known by its name only."""

    name: str
    state: str
    finished: float


def backups_to_remove(
    backups: t.Iterable[RetainedItem], policy: RetentionPolicy, now: float, keep_names: t.Container[str] = ()
) -> list[str]:
    """Return the names of the backups to remove, the oldest first.

    Always kept: those in ``keep_names``, as of releases whose record is kept; the newest; and the newest of those
    verified best, which is the last restored one, or the last one that was read when none was restored. The numbers
    in the names decide which is newer, not a clock.
    """
    newest_first = sorted(backups, key=lambda backup: sequence_number(backup.name), reverse=True)
    if policy.count is None and policy.days is None:
        return []
    kept = {backup.name for backup in newest_first[: max(policy.count or 0, 1)]}
    if policy.days is not None:
        kept |= {backup.name for backup in newest_first if now - backup.finished < policy.days * DAY}
    for state in reversed(STATES):
        best = next((backup.name for backup in newest_first if backup.state == state), None)
        if best:
            kept.add(best)
            break
    return [
        backup.name for backup in reversed(newest_first) if backup.name not in kept and backup.name not in keep_names
    ]


def sequence_number(name: str) -> int:
    """Return the number at the end of a backup's name; each new backup has a higher one."""
    tail = name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0
