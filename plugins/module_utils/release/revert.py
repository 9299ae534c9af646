# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reverts a failed release: traffic first, then workers, then its containers."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from ..errors import SwitchyardError
from ..proxy.state import StackRoutes
from . import mounted_files
from .context import StackContext
from .drain import clear_canary_weight, drain_and_remove
from .gates import confirm
from .hold_requests import restart_and_resume
from .migration import undo
from .record import Record


@dataclass(frozen=True)
class RevertResult:
    """What was reverted: the color that is live now, traffic, workers, and in a sentence the database."""

    live: str | None
    traffic_reverted: bool = False
    workers_reverted: bool = False
    database: str | None = None


def revert(ctx: StackContext, number: int, previous: int | None, token: int, reason: str) -> RevertResult:
    """Revert a release: traffic first, then workers, then its containers; record why, and release the lock.

    Its migration is undone before, while the proxy holds requests. When the release is live on a schema that the
    previous one does not work on, it stays live: rows were written that the old schema may have no place for.
    """
    record = ctx.records.require(number)
    old = ctx.records.get(previous)
    ctx.lock.renew(token, "revert", 120)
    if undo.past_point_of_no_return(ctx, record):
        return keep_failed_release_live(ctx, record, old, token, reason)
    try:
        database = undo.undo(ctx, token)
    except (SwitchyardError, OSError):
        ctx.records.save(record.updated(state="failed", finished=time.time(), reason=reason))
        ctx.lock.release(token)
        raise
    traffic = clear_canary_weight(ctx)
    workers = bool(old and restart_and_resume(ctx, old))
    traffic = _switch_back(ctx, record, old) or workers or traffic
    if old and any(worker.label("release") == str(number) for worker in ctx.containers(role="worker")):
        ctx.compose_up(old, "workers")
        workers = True
    elif not old:
        ctx.engine.remove(ctx.containers(role="worker"))
    # A release that was live before keeps its containers; a new one that failed leaves nothing behind.
    if record.state in ("prepared", "paused"):
        with suppress(SwitchyardError):
            drain_and_remove(ctx, record.color, record.stack, token)
            no_routes = StackRoutes(ctx.project, ctx.environment, ctx.stack, ())
            ctx.proxy.apply(lambda state: ctx.proxy.plan_routes(state, no_routes, record.color))
        ctx.records.save(record.updated(state="failed", finished=time.time(), reason=reason))
        mounted_files.prune(ctx)
    ctx.lock.release(token)
    return RevertResult(ctx.live(), traffic, workers, database)


def _switch_back(ctx: StackContext, record: Record, old: Record | None) -> bool:
    """Switch from a release to the old one, or to none; return whether the release was live."""
    if ctx.live() != record.color or (old and old.color == record.color):
        return False
    if old:
        confirm.switch_back(ctx, old)
    else:
        ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, None))
    return True


def keep_failed_release_live(
    ctx: StackContext, record: Record, old: Record | None, token: int, reason: str
) -> RevertResult:
    """Keep a failed release live, because the previous one does not work on the new schema."""
    undo.finish_migration(ctx, record.number)
    if old:
        ctx.records.save(old.updated(state="superseded"))
    previous = old.number if old else None
    ctx.records.save(record.updated(state="live", finished=time.time(), previous=previous, reason=reason))
    ctx.lock.release(token)
    database = (
        f"release {record.number} stays live: the previous one does not work on the migrated schema, and rows that"
        " were written since must not be lost. Deploy a version that works"
    )
    return RevertResult(ctx.live(), database=database)
