# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a release: a numbered folder with everything that ran.

``<root>/<project>-<environment>/<stack>/releases/0012/`` holds ``release.json``, the rendered Compose projects, the
secrets of that release and the logs of its jobs. A rollback needs nothing else: the inventory may have changed.
"""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import paths, state_file
from ..config.stack import Stack
from ..engine.compose_dependencies import HealthWait
from ..engine.compose_one_shots import OneShot
from ..errors import SwitchyardError


@dataclass(frozen=True)
class StepRecord:
    """One step of a release: its name, begin and end in seconds since the epoch, and ``done`` or ``failed``."""

    name: str
    started: float
    ended: float
    result: str
    extra: dict[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """A gate that a release passed: its name, its seconds, and what was counted."""

    name: str
    seconds: float
    figures: dict[str, t.Any] = field(default_factory=dict)
    extra: dict[str, t.Any] = field(default_factory=dict)


@state_file.register(paths.RECORD)
@dataclass(frozen=True)
class Record:
    """One release; times are seconds since the epoch.

    ``steps`` are those of its last attempt, ``canary_steps_done`` counts the finished steps of its canary.

    ``ports`` are the host ports of its services, for a proxy that runs as a systemd unit. ``backup`` is the name of
    the database's backup from before its migration. ``previous`` is the release that was live before. ``one_shots`` are
    what it runs in addition to the jobs of its stack, ``waits`` the accessories that have to be healthy first, and
    ``color_waits`` the services of its color that its workers need healthy. ``networks`` are those that it creates.

    ``commit`` is that of its files, where they are from a Git repository.
    ``proven`` says that its watch gate found it good with the clients of the whole stack.
    ``service_images`` are the names of images in the Compose files by service, ``images`` the pinned ones by that name.

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
    canary_steps_done: int = 0
    backup: str | None = None
    reason: str | None = None
    commit: str | None = None
    service_images: dict[str, str] = field(default_factory=dict)
    one_shots: tuple[OneShot, ...] = field(default=(), metadata=state_file.nested_items(OneShot))
    waits: tuple[HealthWait, ...] = field(default=(), metadata=state_file.nested_items(HealthWait))
    color_waits: tuple[HealthWait, ...] = field(default=(), metadata=state_file.nested_items(HealthWait))
    networks: dict[str, dict[str, t.Any]] = field(default_factory=dict)
    steps: tuple[StepRecord, ...] = field(default=(), metadata=state_file.nested_items(StepRecord))
    gates: tuple[Gate, ...] = field(default=(), metadata=state_file.nested_items(Gate))
    proven: bool = False
    extra: dict[str, t.Any] = field(default_factory=dict)

    def with_gates(self, gates: t.Sequence[Gate]) -> Record:
        """Return the record with gates that it passed; each replaces the one of its name from an earlier run."""
        new = {gate.name for gate in gates}
        return self.updated(gates=(*(gate for gate in self.gates if gate.name not in new), *gates))

    def updated(self, **changes: t.Any) -> Record:
        """Return the record with changed fields."""
        return replace(self, **changes)


class Records:
    """All releases of one stack in one environment on this server."""

    def __init__(self, folder: Path) -> None:
        """Take the stack's folder; this creates nothing."""
        self.folder = folder / paths.RELEASES

    def path(self, number: int) -> Path:
        """Return the folder of a release."""
        return paths.release_folder(self.folder, number)

    def all(self) -> list[Record]:
        """Return all records, the newest first, without folders that have no whole record."""
        return [record for record in map(self.get, self._numbers()) if record]

    def get(self, number: int | None) -> Record | None:
        """Return the record of a release, or None."""
        return state_file.load(self.path(number) / paths.RECORD, Record) if number else None

    def require(self, number: int) -> Record:
        """Return the record of a release. Raises SwitchyardError when there is none."""
        record = self.get(number)
        if not record:
            raise SwitchyardError(f"There is no record of release {number} in {self.folder}.")
        return record

    def begin(self) -> int:
        """Create the folder of the next release, readable by root only, and return its number."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = max(self._numbers(), default=0) + 1
        self.path(number).mkdir(mode=0o700)
        return number

    def save(self, record: Record) -> None:
        """Write a record."""
        state_file.save(self.path(record.number) / paths.RECORD, record)

    def prune(self, keep: int, needed: t.Container[int]) -> list[int]:
        """Remove the oldest folders beyond ``keep``, except the ``needed`` ones; return their numbers."""
        removed = [number for number in self._numbers()[keep:] if number not in needed]
        for number in removed:
            shutil.rmtree(self.path(number))
        return removed

    def _numbers(self) -> list[int]:
        """Return the numbers of all folders, the newest first."""
        return sorted((int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdigit()), reverse=True)
