# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of every release: a folder with what ran, in numbers that only grow.

``<root>/<project>-<environment>/<stack>/releases/0012/`` holds ``release.json``, the rendered Compose projects, the
secrets of that release and the logs of its jobs: all that a rollback needs, whatever the inventory says by then.
"""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import paths, state_file
from ..config.stack import Stack
from ..errors import SwitchyardError


@state_file.register(paths.RECORD)
@dataclass(frozen=True)
class Record:
    """One release; times are seconds (epoch), ``steps`` is how many steps of its canary are done.

    ``ports`` are those on which its services are published, for a proxy that runs on the server itself. ``backup`` is
    the name of the database's backup that was made before its migration.

    ``state`` is ``prepared``, ``paused``, ``live``, ``superseded`` or ``failed``.
    """

    number: int
    color: str
    state: str
    fingerprint: str
    stack: Stack = field(metadata=state_file.nested(Stack))
    holder: str
    started: float
    finished: float | None = None
    previous: int | None = None
    images: dict[str, str] = field(default_factory=dict)
    replicas: dict[str, int] = field(default_factory=dict)
    ports: dict[str, list[int]] = field(default_factory=dict)
    containers: int = 0
    workers: int = 0
    accessories: int = 0
    steps: int = 0
    backup: str | None = None
    reason: str | None = None
    extra: dict[str, t.Any] = field(default_factory=dict)

    def now(self, **changes: t.Any) -> Record:
        """Return the record with changes."""
        return replace(self, **changes)


class Records:
    """All releases of one stack in one environment on this server."""

    def __init__(self, folder: Path) -> None:
        """Take the stack's folder; nothing is made yet."""
        self.folder = folder / paths.RELEASES

    def path(self, number: int) -> Path:
        """Return the folder of a release."""
        return paths.release_folder(self.folder, number)

    def all(self) -> list[Record]:
        """Return the records there are, the newest first; a folder without a whole record is passed over."""
        numbers = sorted((int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdigit()), reverse=True)
        return [record for record in map(self.get, numbers) if record]

    def get(self, number: int | None) -> Record | None:
        """Return a record, or None where there is none."""
        return state_file.load(self.path(number) / paths.RECORD, Record) if number else None

    def need(self, number: int) -> Record:
        """Return a record. Raises SwitchyardError where there is none."""
        record = self.get(number)
        if not record:
            raise SwitchyardError(f"There is no record of release {number} in {self.folder}.")
        return record

    def begin(self) -> int:
        """Make the folder of the next release, readable by root only, and return its number."""
        self.folder.mkdir(parents=True, exist_ok=True)
        taken = [int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdigit()]
        number = max(taken, default=0) + 1
        self.path(number).mkdir(mode=0o700)
        return number

    def save(self, record: Record) -> None:
        """Write a record as a whole."""
        state_file.save(self.path(record.number) / paths.RECORD, record)

    def prune(self, keep: int, needed: t.Container[int]) -> list[int]:
        """Remove the oldest folders beyond ``keep``, never one that is ``needed``; return their numbers."""
        numbers = sorted((int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdigit()), reverse=True)
        gone = [number for number in numbers[keep:] if number not in needed]
        for number in gone:
            shutil.rmtree(self.path(number))
        return gone
