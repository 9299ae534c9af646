# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a release: recorded as live, or taken back."""

from __future__ import annotations

import shutil
import time
import typing as t
from contextlib import suppress

from .. import names
from ..errors import SwitchyardError
from ..proxy.driver import Routing
from .context import Place
from .drain import empty, take_share
from .gates import health
from .hold_requests import let_go
from .migration import run
from .record import Record


def finish(place: Place, number: int, before: int | None, token: int) -> int:
    """Record that a release is live in place of ``before``, after a look at its workers, and give the lock back.

    Returns how many connections of the color before were closed, where that color does not stay. Raises
    SwitchyardError when a worker does not keep running; the release is then still to be taken back.
    """
    record = place.records.need(number)
    place.lock.renew(token, "finish", record.stack["settle"])
    if record.workers:
        _workers_keep_running(place, record)
    run.finish(place, number)
    replaced = place.records.get(before)
    if replaced:
        place.records.save(replaced.now(state="replaced"))
    record = record.now(state="live", finished=time.time(), previous=before, reason=None)
    place.records.save(record)
    # Workers that this release no longer has; Compose removes them only where it still has others.
    place.engine.remove(one for one in place.containers(role="worker") if one.label("release") != str(number))
    cut_off = 0 if record.stack["keep_old"] else empty(place, names.other(record.color), record.stack, token)
    place.records.prune(record.stack["keep_releases"], {number, record.previous or number})
    place.lock.release(token)
    return cut_off


def pause(place: Place, number: int, token: int) -> Record:
    """Let a canary wait for a person with the share of the clients that it has, and give the lock back."""
    place.lock.renew(token, "pause")
    record = place.records.need(number).now(state="paused")
    place.records.save(record)
    place.lock.release(token)
    return record


def _workers_keep_running(place: Place, record: Record) -> None:
    """Watch the new workers for ``settle`` seconds. Raises SwitchyardError with the log of one that ends."""
    end = time.monotonic() + record.stack["settle"]
    while True:
        workers = place.containers(role="worker")
        bad = [one for one in workers if one.state in ("exited", "dead", "restarting") or one.restarts]
        if bad or len(workers) < record.workers:
            names_of = (
                ", ".join(f"{one.name} ({one.state}, exit code {one.exit_code})" for one in bad) or "one is missing"
            )
            raise SwitchyardError(
                f"A worker of {place.stack} does not keep running: {names_of}.",
                logs={one.name: place.engine.logs(one.id) for one in bad},
            )
        if time.monotonic() > end:
            return
        time.sleep(0.2)


def fail(place: Place, number: int, before: int | None, token: int, reason: str) -> dict[str, t.Any]:
    """Take a release back: traffic first, then the workers, then its containers; record why, and unlock.

    What its migration broke for the release before is undone first, while requests wait. Where the public is on the
    new schema already, the release stays: rows were written that the old schema may have no place for.
    """
    record = place.records.need(number)
    old = place.records.get(before)
    told: dict[str, t.Any] = {"traffic_taken_back": False, "workers_taken_back": False, "database": None}
    place.lock.renew(token, "take back", 120)
    if run.is_beyond(place, record):
        return _stay(place, record, old, token, told, reason)
    try:
        told["database"] = run.take_back(place, token)
    except (SwitchyardError, OSError):
        place.records.save(record.now(state="failed", finished=time.time(), reason=reason))
        place.lock.release(token)
        raise
    told["traffic_taken_back"] = take_share(place)
    if old and let_go(place, old):
        told["traffic_taken_back"] = told["workers_taken_back"] = True
    if old and place.live() == record.color and old.color != record.color:
        place.proxy.apply(lambda state: place.proxy.plan_switch(state, place.key, old.color))
        health.confirm(place.proxy, place.standing(old).routing, old.color)
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
            empty(place, record.color, record.stack, token)
            nothing = Routing(place.project, place.environment, place.stack, ())
            place.proxy.apply(lambda state: place.proxy.plan_routes(state, nothing, record.color))
        place.records.save(record.now(state="failed", finished=time.time(), reason=reason))
        shutil.rmtree(place.records.path(number) / "secrets", ignore_errors=True)
    place.lock.release(token)
    told["live"] = place.live()
    return told


def _stay(
    place: Place, record: Record, old: Record | None, token: int, told: dict[str, t.Any], reason: str
) -> dict[str, t.Any]:
    """Leave a release that failed to the public, because the one before does not work on the new schema."""
    run.finish(place, record.number)
    if old:
        place.records.save(old.now(state="replaced"))
    place.records.save(record.now(state="live", finished=time.time(), previous=old and old.number, reason=reason))
    place.lock.release(token)
    what = f"release {record.number} stays: the one before does not work on the migrated schema"
    told["database"] = f"{what}, and what was written since must not be lost. Deploy a version that works"
    told["live"] = place.live()
    return told
