# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reverts a failed release: traffic first, then workers, then its containers."""

from __future__ import annotations

import shutil
import time
import typing as t
from contextlib import suppress

from ..errors import SwitchyardError
from ..proxy.state import StackRoutes
from .context import StackContext
from .drain import clear_canary_weight, drain_and_remove
from .gates import confirm
from .hold_requests import restart_and_resume
from .migration import undo
from .record import Record


def revert(place: StackContext, number: int, before: int | None, token: int, reason: str) -> dict[str, t.Any]:
    """Take a release back: traffic first, then the workers, then its containers; record why, and unlock.

    What its migration broke for the release before is undone first, while requests wait. Where the public is on the
    new schema already, the release stays: rows were written that the old schema may have no place for.
    """
    record = place.records.need(number)
    old = place.records.get(before)
    told: dict[str, t.Any] = {"traffic_taken_back": False, "workers_taken_back": False, "database": None}
    place.lock.renew(token, "take back", 120)
    if undo.past_point_of_no_return(place, record):
        return keep_failed_release_live(place, record, old, token, told, reason)
    try:
        told["database"] = undo.undo(place, token)
    except (SwitchyardError, OSError):
        place.records.save(record.now(state="failed", finished=time.time(), reason=reason))
        place.lock.release(token)
        raise
    told["traffic_taken_back"] = clear_canary_weight(place)
    if old and restart_and_resume(place, old):
        told["traffic_taken_back"] = told["workers_taken_back"] = True
    if old and place.live() == record.color and old.color != record.color:
        place.proxy.apply(lambda state: place.proxy.plan_switch(state, place.key, old.color))
        confirm.confirm_switch(place.proxy, place.standing(old).routing, old.color)
        told["traffic_taken_back"] = True
    elif not old and place.live() == record.color:
        place.proxy.apply(lambda state: place.proxy.plan_switch(state, place.key, None))
        told["traffic_taken_back"] = True
    if old and any(one.label("release") == str(number) for one in place.containers(role="worker")):
        place.compose_up(old, "workers")
        told["workers_taken_back"] = True
    elif not old:
        place.engine.remove(place.containers(role="worker"))
    # A release that was live before goes back to being warm; a new one that failed leaves nothing behind.
    if record.state in ("prepared", "paused"):
        with suppress(SwitchyardError):
            drain_and_remove(place, record.color, record.stack, token)
            nothing = StackRoutes(place.project, place.environment, place.stack, ())
            place.proxy.apply(lambda state: place.proxy.plan_routes(state, nothing, record.color))
        place.records.save(record.now(state="failed", finished=time.time(), reason=reason))
        shutil.rmtree(place.records.path(number) / "secrets", ignore_errors=True)
    place.lock.release(token)
    told["live"] = place.live()
    return told


def keep_failed_release_live(
    place: StackContext, record: Record, old: Record | None, token: int, told: dict[str, t.Any], reason: str
) -> dict[str, t.Any]:
    """Leave a release that failed to the public, because the one before does not work on the new schema."""
    undo.finish_migration(place, record.number)
    if old:
        place.records.save(old.now(state="replaced"))
    place.records.save(record.now(state="live", finished=time.time(), previous=old and old.number, reason=reason))
    place.lock.release(token)
    what = f"release {record.number} stays: the one before does not work on the migrated schema"
    told["database"] = f"{what}, and what was written since must not be lost. Deploy a version that works"
    told["live"] = place.live()
    return told
