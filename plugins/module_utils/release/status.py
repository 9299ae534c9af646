# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the running proxy and the engine report about a stack."""

from __future__ import annotations

import time
import typing as t

from .. import names, state_file
from .context import StackContext
from .file_store import FileStore
from .record import Record


def stack_status(ctx: StackContext) -> dict[str, t.Any]:
    """Return the state of a stack now, from the running proxy and the engine, its lock and its history."""
    state = ctx.proxy.read()
    live, weight = state.live.get(ctx.key), state.weights.get(ctx.key, 0)
    containers = ctx.containers()
    return {
        "live": live,
        "routes": state.routes_of(ctx.key, live),
        "availability": state.availability.get(ctx.key),
        "colors": {
            color: {
                "release": ctx.release_on(color),
                "in_flight": ctx.proxy.in_flight(ctx.key, color),
                "containers": {item.name: item.state for item in containers if item.label("color") == color},
                "proxy": ctx.proxy.stats(ctx.key, color),
            }
            for color in names.COLORS
        },
        "volumes": {item.name: list(item.users) for item in ctx.volumes()},
        "folders": sorted(FileStore(ctx.folder).seeds()),
        "workers": {item.name: item.state for item in containers if item.label("role") == "worker"},
        "lock": lock_status(ctx, time.time()),
        "canary": canary_status(ctx.records.get(ctx.release_on(names.other(live))), weight) if live else None,
        "history": [release_summary(record) for record in ctx.records.all()],
    }


def lock_status(ctx: StackContext, now: float) -> dict[str, t.Any] | None:
    """Return the lock with ``stale``: it has expired, and the next run takes it over; None while it is free."""
    lock = ctx.lock.state()
    return {**state_file.as_json(lock), "stale": lock.until <= now} if lock else None


def canary_status(record: Record | None, weight: int) -> dict[str, t.Any] | None:
    """Return the canary on the idle color, or None while it serves no clients; ``weight`` is in percent."""
    if not weight:
        return None
    return {
        "release": record.number if record else None,
        "weight": weight,
        "step": record.steps if record else None,
        "paused": record is not None and record.state == "paused",
    }


def release_summary(record: Record) -> dict[str, t.Any]:
    """Return what the history shows of a release: no stack definition, which may hold hosts and commands."""
    shown = ("number", "color", "state", "started", "finished", "previous", "images", "backup", "reason")
    summary = {key: state_file.as_json(getattr(record, key)) for key in shown}
    return {**summary, "allow": state_file.as_json(record.stack.allow), "lock_holder": record.holder}
