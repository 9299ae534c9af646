# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a release: recorded as live, or paused as a canary."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .. import names
from ..errors import LockLost, SwitchyardError
from . import built_images, mounted_files, stack_networks
from .context import StackContext
from .drain import drain_and_remove
from .migration import undo
from .record import Record


@dataclass(frozen=True)
class FinishResult:
    """The end of a release: the closed connections of the old color, and the seconds since it took the lock.

    ``problems`` has a sentence about a clean-up that failed.
    """

    dropped_requests: int
    release_seconds: float
    problems: tuple[str, ...] = ()


def finish(ctx: StackContext, number: int, previous: int | None, token: int) -> FinishResult:
    """Record a release as live in place of the previous one, and remove what it leaves behind.

    The old color is drained when the stack does not keep it. A clean-up that fails does not revert the release.
    """
    record = ctx.records.require(number)
    ctx.lock.renew(token, "finish")
    undo.finish_migration(ctx, number)
    superseded = ctx.records.get(previous)
    if superseded:
        ctx.records.save(superseded.updated(state="superseded"))
    record = record.updated(state="live", finished=time.time(), previous=previous, reason=None)
    ctx.records.save(record)
    dropped, problems = 0, []
    try:
        dropped = _clean_up(ctx, record, token)
    except LockLost:
        raise
    except (SwitchyardError, OSError) as error:
        problems.append(f"Release {number} is live. The clean-up after it failed, the next one repeats it: {error}")
    lock = ctx.lock.state()
    return FinishResult(dropped, round(time.time() - lock.since, 1) if lock else 0.0, tuple(problems))


def _clean_up(ctx: StackContext, record: Record, token: int) -> int:
    """Remove what a live release does not need; return how many connections were closed for it."""
    number = record.number
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
    return dropped


def pause(ctx: StackContext, number: int, token: int) -> Record:
    """Record a canary as paused with the clients that it has."""
    ctx.lock.renew(token, "pause")
    record = ctx.records.require(number).updated(state="paused")
    ctx.records.save(record)
    return record
