# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process on this server that works on a release, known again after it has ended."""

from __future__ import annotations

import os
import signal
import typing as t
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class ServerProcess:
    """A process of this server: its id, when it started (clock ticks since the boot), and the id of that boot.

    The kernel gives a process id again, but not with the same start (proc_pid_stat(5), field 22).
    """

    id: int
    started: int
    boot: str
    extra: dict[str, t.Any] = field(default_factory=dict)

    @classmethod
    def current(cls) -> ServerProcess:
        """Return this process."""
        return cls(os.getpid(), _started(os.getpid()) or 0, _boot())

    @property
    def runs(self) -> bool:
        """Whether it is another process than this one, and runs still."""
        return self.id != os.getpid() and self.boot == _boot() and self.started == _started(self.id)

    def kill(self) -> None:
        """Kill the process with the commands that it has started; one that has ended is left alone."""
        if not self.runs:
            return
        with suppress(ProcessLookupError):
            # A process that leads its session has its commands in its own group.
            if os.getpgid(self.id) == self.id:
                os.killpg(self.id, signal.SIGKILL)
            else:
                os.kill(self.id, signal.SIGKILL)


def _started(process: int) -> int | None:
    """Return when a process started; None where there is none, or where it is only a zombie."""
    try:
        text = (PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may have spaces.
    values = text.rpartition(")")[2].split()
    return None if values[0] == "Z" else int(values[19])


def _boot() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
