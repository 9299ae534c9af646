# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backups go, and which never do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .manifest import STATES

DAY = 86400.0


@dataclass(frozen=True)
class RetentionPolicy:
    """How many backups are kept, and for how many days; one that either keeps stays. None says nothing."""

    count: int | None = None
    days: float | None = None


class RetainedItem(t.Protocol):
    """What of a backup decides; a manifest has it."""

    @property
    def name(self) -> str:
        """Its name, with its number at the end."""

    @property
    def state(self) -> str:
        """How far it was proved."""

    @property
    def finished(self) -> float:
        """When it was whole (epoch)."""


@dataclass(frozen=True)
class PlannedBackup:
    """A backup that is not there yet."""

    name: str
    state: str
    finished: float


def backups_to_remove(
    backups: t.Iterable[RetainedItem], rule: RetentionPolicy, now: float, named: t.Container[str] = ()
) -> list[str]:
    """Return the names of the backups to remove, the oldest first.

    Never one that is ``named``, as by a release that is kept; never the newest, and never the newest of those that
    were proved best: the last restored one, or where none was restored the last one that was read. What is newer is
    told by the names' numbers, not by a clock.
    """
    newest_first = sorted(backups, key=lambda one: sequence_number(one.name), reverse=True)
    if rule.count is None and rule.days is None:
        return []
    kept = {one.name for one in newest_first[: max(rule.count or 0, 1)]}
    if rule.days is not None:
        kept |= {one.name for one in newest_first if now - one.finished < rule.days * DAY}
    for state in reversed(STATES):
        proved = next((one.name for one in newest_first if one.state == state), None)
        if proved:
            kept.add(proved)
            break
    return [one.name for one in reversed(newest_first) if one.name not in kept and one.name not in named]


def sequence_number(name: str) -> int:
    """Return the number at the end of a backup's name; numbers only grow."""
    tail = name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0
