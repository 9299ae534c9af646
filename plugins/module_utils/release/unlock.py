# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locks of an environment, what of their holders still runs, and which of them may be taken away.

A lock that is taken away leaves everything else as it is: the next run recovers as after an interrupted one.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import paths
from ..backup import display
from ..errors import SwitchyardError
from .context import HostContext, StackContext
from .status import LockStatus, lock_status

# What the controller knows of the process that holds a lock.
RUNS, ENDED, UNKNOWN = "runs", "ended", "unknown"


@dataclass(frozen=True)
class FoundLock:
    """The lock of a stack: its age in seconds, the URL of its CI job, and what of its holder runs.

    ``processes`` are those of the holder, on the server and on the controller, ``containers`` its one-off commands.
    ``controller`` is what is known of the holder's Ansible process. ``changed`` says that the lock is taken away.
    """

    stack: str
    environment: str
    lock: LockStatus
    age: float
    job: str | None
    processes: tuple[str, ...]
    containers: tuple[str, ...]
    controller: str = UNKNOWN
    changed: bool = False

    JSON_PROPERTIES: t.ClassVar = ("refusal", "lines")

    @property
    def refusal(self) -> str | None:
        """Why the lock is only taken away by force."""
        if self.processes:
            return f"{' and '.join(self.processes)} still {'run' if len(self.processes) > 1 else 'runs'}"
        if self.lock.stale or self.controller == ENDED:
            return None
        where = f"process {self.lock.process.id} of {self._machine}" if self.lock.process else "its process"
        return f"whether {where} still runs is not known here; the lock expires in {self._remaining}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The lock for the screen."""
        running = [*self.processes, *(f"container {name}" for name in self.containers)]
        expiry = "the next run takes it over" if self.lock.stale else f"expires in {self._remaining}"
        return (
            f"{self.lock.sentence(f'{self.stack} ({self.environment})', self.lock.since + self.age)}; {expiry}",
            f"  still runs: {', '.join(running) if running else 'nothing that is known here'}",
        )

    @property
    def _machine(self) -> str:
        return f"{self.lock.process.user}@{self.lock.process.machine}" if self.lock.process else ""

    @property
    def _remaining(self) -> str:
        return display.age(self.lock.until - self.lock.since - self.age)


def find_locks(
    host: HostContext, stacks: t.Sequence[str], controllers: t.Mapping[str, t.Mapping[str, t.Any]], now: float
) -> list[FoundLock]:
    """Return the held locks of these stacks, or of all of the environment.

    ``controllers`` has by stack the ``token`` of a lock and the ``state`` of its holder's Ansible process.
    """
    folder = paths.environment_folder(host.root, host.project, host.environment)
    names = list(stacks) or sorted(path.parent.name for path in folder.glob(f"*/{paths.LOCK}"))
    found = [_find(host.stack(name), controllers.get(name, {}), now) for name in names]
    return [one for one in found if one]


def _find(ctx: StackContext, controller: t.Mapping[str, t.Any], now: float) -> FoundLock | None:
    lock = lock_status(ctx, now)
    if not lock:
        return None
    known = controller.get("state", UNKNOWN) if controller.get("token") == lock.token else UNKNOWN
    here = lock.server_process if lock.works() else None
    processes = [f"process {here.id} of this server"] if here else []
    if known == RUNS and lock.process:
        processes.append(f"process {lock.process.id} of {lock.process.user}@{lock.process.machine}")
    jobs = tuple(sorted(item.name for item in ctx.containers(role="job") if item.running))
    job = lock.process.job if lock.process else None
    return FoundLock(ctx.stack, ctx.environment, lock, now - lock.since, job, tuple(processes), jobs, known)


def require_unlockable(found: t.Sequence[FoundLock]) -> None:
    """Raise SwitchyardError when a lock may only be taken away by force."""
    refused = [one for one in found if one.refusal]
    if refused:
        lines = "\n".join(line for one in refused for line in (*one.lines, f"  {one.refusal}"))
        raise SwitchyardError(
            f"Nothing was changed. The holder of a lock may still be at work:\n{lines}\n",
            hint="Wait for its end, or end it. -e force=true takes the lock away at once; the other run then fails at "
            "its next step.",
        )
