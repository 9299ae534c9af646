# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the running proxy and the engine report about a stack."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .. import names
from .context import StackContext
from .file_store import FileStore
from .lock import LockState
from .record import Record
from .release_line import version_of


@dataclass(frozen=True)
class LockStatus(LockState):
    """The lock while it is held; ``stale`` says that the next run takes it over."""

    stale: bool = False


@dataclass(frozen=True)
class CanaryStatus:
    """The canary on the idle color: release, version and step are None without its record. ``weight`` is in percent."""

    release: int | None
    version: str | None
    weight: int
    step: int | None
    paused: bool


@dataclass(frozen=True)
class ColorStatus:
    """One color: its release, its unanswered requests, the states of its containers, and what the proxy sees."""

    release: int | None
    in_flight: int
    containers: t.Mapping[str, str]
    proxy: t.Mapping[str, t.Any]


@dataclass(frozen=True)
class ReleaseSummary:
    """What the history shows of a release: no stack definition, which may hold hosts and commands."""

    number: int
    color: str
    state: str
    started: float
    finished: float | None
    previous: int | None
    images: t.Mapping[str, str]
    backup: str | None
    reason: str | None
    allow: t.Mapping[str, t.Sequence[str]]
    proven: bool
    lock_holder: str


@dataclass(frozen=True)
class StackStatus:
    """The state of a stack now; ``volumes`` has the containers that use each, ``workers`` their states."""

    live: str | None
    routes: t.Mapping[str, str]
    availability: str | None
    colors: t.Mapping[str, ColorStatus]
    volumes: t.Mapping[str, t.Sequence[str]]
    folders: t.Sequence[str]
    workers: t.Mapping[str, str]
    lock: LockStatus | None
    canary: CanaryStatus | None
    history: t.Sequence[ReleaseSummary]


def stack_status(ctx: StackContext) -> StackStatus:
    """Return the state of a stack now, from the running proxy and the engine, its lock and its history."""
    state = ctx.proxy.read()
    live, weight = state.live.get(ctx.key), state.weights.get(ctx.key, 0)
    containers = ctx.containers()
    return StackStatus(
        live=live,
        routes=state.routes_of(ctx.key, live),
        availability=state.availability.get(ctx.key),
        colors={
            color: ColorStatus(
                release=ctx.release_on(color),
                in_flight=ctx.proxy.in_flight(ctx.key, color),
                containers={item.name: item.state for item in containers if item.label("color") == color},
                proxy=ctx.proxy.stats(ctx.key, color),
            )
            for color in names.COLORS
        },
        volumes={item.name: item.users for item in ctx.volumes()},
        folders=sorted(FileStore(ctx.folder).seeds()),
        workers={item.name: item.state for item in containers if item.label("role") == "worker"},
        lock=lock_status(ctx, time.time()),
        canary=canary_status(ctx.records.get(ctx.release_on(names.other(live))), weight) if live else None,
        history=[release_summary(record) for record in ctx.records.all()],
    )


def lock_status(ctx: StackContext, now: float) -> LockStatus | None:
    """Return the lock, or None while it is free; ``now`` is in seconds since the epoch."""
    lock = ctx.lock.state()
    return LockStatus(**vars(lock), stale=lock.is_stale(now)) if lock else None


def canary_status(record: Record | None, weight: int) -> CanaryStatus | None:
    """Return the canary on the idle color, or None while it serves no clients; ``weight`` is in percent."""
    if not weight:
        return None
    if not record:
        return CanaryStatus(None, None, weight, None, False)
    return CanaryStatus(record.number, version_of(record), weight, record.canary_steps_done, record.state == "paused")


def release_summary(record: Record) -> ReleaseSummary:
    """Return what the history shows of a release."""
    return ReleaseSummary(
        number=record.number,
        color=record.color,
        state=record.state,
        started=record.started,
        finished=record.finished,
        previous=record.previous,
        images=record.images,
        backup=record.backup,
        reason=record.reason,
        allow=record.stack.allow,
        proven=record.proven,
        lock_holder=record.holder,
    )
