# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reverts a failed release: traffic first, then workers, then its containers."""

from __future__ import annotations

import shutil
import time
import typing as t
from contextlib import suppress

from .. import paths
from ..errors import SwitchyardError
from ..proxy.state import StackRoutes
from .context import StackContext
from .drain import clear_canary_weight, drain_and_remove
from .gates import confirm
from .hold_requests import restart_and_resume
from .migration import undo
from .record import Record


def revert(ctx: StackContext, number: int, before: int | None, token: int, reason: str) -> dict[str, t.Any]:
    """Take a release back: traffic first, then the workers, then its containers; record why, and unlock.

    What its migration broke for the release before is undone first, while requests wait. Where the public is on the
    new schema already, the release stays: rows were written that the old schema may have no place for.
    """
    record = ctx.records.need(number)
    old = ctx.records.get(before)
    told: dict[str, t.Any] = {"traffic_reverted": False, "workers_reverted": False, "database": None}
    ctx.lock.renew(token, "take back", 120)
    if undo.past_point_of_no_return(ctx, record):
        return keep_failed_release_live(ctx, record, old, token, told, reason)
    try:
        told["database"] = undo.undo(ctx, token)
    except (SwitchyardError, OSError):
        ctx.records.save(record.now(state="failed", finished=time.time(), reason=reason))
        ctx.lock.release(token)
        raise
    told["traffic_reverted"] = clear_canary_weight(ctx)
    if old and restart_and_resume(ctx, old):
        told["traffic_reverted"] = told["workers_reverted"] = True
    if old and ctx.live() == record.color and old.color != record.color:
        ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, old.color))
        confirm.confirm_switch(ctx.proxy, ctx.target(old).routing, old.color)
        told["traffic_reverted"] = True
    elif not old and ctx.live() == record.color:
        ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, None))
        told["traffic_reverted"] = True
    if old and any(one.label("release") == str(number) for one in ctx.containers(role="worker")):
        ctx.compose_up(old, "workers")
        told["workers_reverted"] = True
    elif not old:
        ctx.engine.remove(ctx.containers(role="worker"))
    # A release that was live before goes back to being warm; a new one that failed leaves nothing behind.
    if record.state in ("prepared", "paused"):
        with suppress(SwitchyardError):
            drain_and_remove(ctx, record.color, record.stack, token)
            nothing = StackRoutes(ctx.project, ctx.environment, ctx.stack, ())
            ctx.proxy.apply(lambda state: ctx.proxy.plan_routes(state, nothing, record.color))
        ctx.records.save(record.now(state="failed", finished=time.time(), reason=reason))
        shutil.rmtree(ctx.records.path(number) / paths.SECRETS, ignore_errors=True)
    ctx.lock.release(token)
    told["live"] = ctx.live()
    return told


def keep_failed_release_live(
    ctx: StackContext, record: Record, old: Record | None, token: int, told: dict[str, t.Any], reason: str
) -> dict[str, t.Any]:
    """Leave a release that failed to the public, because the one before does not work on the new schema."""
    undo.finish_migration(ctx, record.number)
    if old:
        ctx.records.save(old.now(state="superseded"))
    ctx.records.save(record.now(state="live", finished=time.time(), previous=old and old.number, reason=reason))
    ctx.lock.release(token)
    what = f"release {record.number} stays: the one before does not work on the migrated schema"
    told["database"] = f"{what}, and what was written since must not be lost. Deploy a version that works"
    told["live"] = ctx.live()
    return told
