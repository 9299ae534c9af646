# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a release: recorded as live, or taken back."""

from __future__ import annotations

import time

from .. import names
from ..errors import SwitchyardError
from .context import StackContext
from .drain import drain_and_remove
from .migration import undo
from .record import Record


def finish(ctx: StackContext, number: int, before: int | None, token: int) -> int:
    """Record that a release is live in place of ``before``, after a look at its workers, and give the lock back.

    Returns how many connections of the color before were closed, where that color does not stay. Raises
    SwitchyardError when a worker does not keep running; the release is then still to be taken back.
    """
    record = ctx.records.need(number)
    ctx.lock.renew(token, "finish", record.stack.worker_min_ready)
    if record.workers:
        _workers_keep_running(ctx, record)
    undo.finish_migration(ctx, number)
    replaced = ctx.records.get(before)
    if replaced:
        ctx.records.save(replaced.now(state="superseded"))
    record = record.now(state="live", finished=time.time(), previous=before, reason=None)
    ctx.records.save(record)
    # Workers that this release no longer has; Compose removes them only where it still has others.
    ctx.engine.remove(one for one in ctx.containers(role="worker") if one.label("release") != str(number))
    dropped = 0 if record.stack.keep_previous else drain_and_remove(ctx, names.other(record.color), record.stack, token)
    ctx.records.prune(record.stack.keep_releases, {number, record.previous or number})
    ctx.lock.release(token)
    return dropped


def pause(ctx: StackContext, number: int, token: int) -> Record:
    """Let a canary wait for a person with the share of the clients that it has, and give the lock back."""
    ctx.lock.renew(token, "pause")
    record = ctx.records.need(number).now(state="paused")
    ctx.records.save(record)
    ctx.lock.release(token)
    return record


def _workers_keep_running(ctx: StackContext, record: Record) -> None:
    """Watch the new workers for ``settle`` seconds. Raises SwitchyardError with the log of one that ends."""
    end = time.monotonic() + record.stack.worker_min_ready
    while True:
        workers = ctx.containers(role="worker")
        bad = [one for one in workers if one.state in ("exited", "dead", "restarting") or one.restarts]
        if bad or len(workers) < record.workers:
            names_of = (
                ", ".join(f"{one.name} ({one.state}, exit code {one.exit_code})" for one in bad) or "one is missing"
            )
            raise SwitchyardError(
                f"A worker of {ctx.stack} does not keep running: {names_of}.",
                logs={one.name: ctx.engine.logs(one.id) for one in bad},
            )
        if time.monotonic() > end:
            return
        time.sleep(0.2)
