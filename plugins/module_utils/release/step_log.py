# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a release: their names, their times in its record, and the points where a test makes one fail.

A file of root on the server names a point, and what happens there. Without it nothing happens.

    {"point": "before switch", "action": "kill"}
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t
from dataclasses import dataclass, field

from .. import atomic_file, paths
from ..errors import LockLost, SwitchyardError
from .context import StackContext
from .record import StepRecord

STEPS = (
    "lock",
    "look",
    "images",
    "prepare",
    "start",
    "canary",
    "pause",
    "gates",
    "switch",
    "workers",
    "watch",
    "finish",
)

FAILPOINTS = tuple(f"{when} {step}" for step in STEPS for when in ("before", "after"))

Result = t.TypeVar("Result")


@dataclass
class StepLog:
    """The steps of one release so far; ``release`` is its number as soon as it has a record.

    ``previous`` is the release that was live before it.
    """

    ctx: StackContext
    release: int | None = None
    previous: int | None = None
    steps: list[StepRecord] = field(default_factory=list)

    def run(self, name: str, work: t.Callable[[], Result]) -> Result:
        """Return the result of a step, and note its times; the name is one of STEPS."""
        begin = time.time()
        try:
            reach(self.ctx, f"before {name}")
            result = work()
        except LockLost:
            # The record is that of the run that has the lock now.
            raise
        except Exception:
            self._note(name, begin, "failed")
            raise
        self._note(name, begin, "done")
        reach(self.ctx, f"after {name}")
        return result

    def begin_record(self, number: int, previous: int | None) -> None:
        """Note the number of the release, and of the one that is live: from now on its record has its steps."""
        self.release, self.previous = number, previous

    def has_done(self, name: str) -> bool:
        """Return whether a step has ended well."""
        return any(step.name == name and step.result == "done" for step in self.steps)

    def seconds(self, name: str) -> float:
        """Return how long the steps of a name took."""
        return sum(step.ended - step.started for step in self.steps if step.name == name)

    def _note(self, name: str, begin: float, result: str) -> None:
        self.steps.append(StepRecord(name, round(begin, 3), round(time.time(), 3), result))
        # The steps are for people: a full disk does not end a release because of them.
        with contextlib.suppress(OSError):
            record = self.ctx.records.get(self.release)
            if record:
                self.ctx.records.save(record.updated(steps=tuple(self.steps)))


def reach(ctx: StackContext, point: str) -> None:
    """Do what the file of failpoints says of a point, once: ``error``, ``kill``, or ``hang`` for some ``seconds``.

    Raises SwitchyardError for ``error``.
    """
    path = paths.failpoint(ctx.host.root)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    wish = atomic_file.read_json(path) if found.st_uid == os.geteuid() and not found.st_mode & 0o022 else None
    if not isinstance(wish, dict) or wish.get("point") != point:
        return
    path.unlink()
    if wish.get("action") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if wish.get("action") == "hang":
        time.sleep(float(wish.get("seconds", 3600)))
        return
    raise SwitchyardError(f"The release failed at the point '{point}', as {path} says.")
