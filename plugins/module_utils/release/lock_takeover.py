# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the lock of a stack, also after a run that was interrupted."""

from __future__ import annotations

from .. import progress
from .context import StackContext
from .lock import ControllerProcess


def take_lock(
    ctx: StackContext,
    holder: str,
    stale_token: int | None,
    process: ControllerProcess | None = None,
    wait: float = 0.0,
) -> int:
    """Take the stack's lock within ``wait`` seconds, and return its token. Raises LockHeld.

    The process of an interrupted run finishes or reverts its release on the server: this waits for it in any case,
    where ``stale_token`` is the token of that run.
    """
    ctx.folder.mkdir(parents=True, exist_ok=True)
    lock = ctx.lock

    def remove_jobs() -> str | None:
        # Their release was interrupted; no run waits for them.
        ctx.engine.remove(ctx.containers(role="job"), timeout=10)
        return None

    def of_whom() -> str:
        held = lock.state()
        return f"{held.holder}, step {held.step}" if held else "another run"

    name = progress.waiting_name(process.machine, process.id) if process else progress.NAME
    with progress.report_progress(ctx.folder, "lock", detail=of_whom, name=name):
        token = lock.take(holder, "prepare", remove_jobs, stale_token, process, wait).token
    progress.remove_stale(ctx.folder)
    return token
