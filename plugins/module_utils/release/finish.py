# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a release: recorded as live, or paused as a canary."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .. import names
from ..errors import GateFailed
from . import built_images, mounted_files, stack_networks
from .context import StackContext
from .drain import drain_and_remove
from .migration import undo
from .record import Record

# Seconds between two looks at the workers.
POLL = 0.2


@dataclass(frozen=True)
class FinishResult:
    """The end of a release: the closed connections of the old color, and the seconds since it took the lock."""

    dropped_requests: int
    release_seconds: float


def finish(ctx: StackContext, number: int, previous: int | None, token: int) -> FinishResult:
    """Record a release as live in place of the previous one, after its workers were watched, and release the lock.

    The old color is drained when the stack does not keep it. Raises GateFailed when a worker does not keep running; the
    release is reverted afterwards, not here.
    """
    record = ctx.records.require(number)
    ctx.lock.renew(token, "finish", record.stack.worker_min_ready)
    if record.workers:
        _watch_workers(ctx, record)
    undo.finish_migration(ctx, number)
    superseded = ctx.records.get(previous)
    if superseded:
        ctx.records.save(superseded.updated(state="superseded"))
    record = record.updated(state="live", finished=time.time(), previous=previous, reason=None)
    ctx.records.save(record)
    # Workers that this release no longer has: Compose removes them only from a project that still has others.
    workers = ctx.containers(role="worker")
    ctx.engine.remove(worker for worker in workers if worker.label("release") != str(number))
    dropped = 0
    if not record.stack.keep_previous:
        dropped = drain_and_remove(ctx, names.other(record.color), record.stack, token)
    pruned = ctx.records.prune(record.stack.keep_releases, {number, record.previous or number})
    mounted_files.prune(ctx)
    stack_networks.remove_unused(ctx, record.networks)
    if pruned:
        built_images.prune(ctx)
    lock = ctx.lock.state()
    ctx.lock.release(token)
    return FinishResult(dropped, round(time.time() - lock.since, 1) if lock else 0.0)


def pause(ctx: StackContext, number: int, token: int) -> Record:
    """Record a canary as paused with the clients that it has, and release the lock."""
    ctx.lock.renew(token, "pause")
    record = ctx.records.require(number).updated(state="paused")
    ctx.records.save(record)
    ctx.lock.release(token)
    return record


def _watch_workers(ctx: StackContext, record: Record) -> None:
    """Watch the new workers for ``worker_min_ready`` seconds. Raises GateFailed with the log of one that ends."""
    end = time.monotonic() + record.stack.worker_min_ready
    while True:
        workers = ctx.containers(role="worker")
        failed = [worker for worker in workers if worker.state in ("exited", "dead", "restarting") or worker.restarts]
        if failed or len(workers) < record.workers:
            described = ", ".join(f"{worker.name} ({worker.state}, exit code {worker.exit_code})" for worker in failed)
            raise GateFailed(
                f"A worker of {ctx.stack} does not keep running: {described or 'one is missing'}.",
                gate="workers",
                logs={worker.name: ctx.engine.logs(worker.id) for worker in failed},
            )
        if time.monotonic() > end:
            return
        time.sleep(POLL)
