# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cut of the strategy ``recreate``: requests wait in the proxy while the old application is stopped."""

from __future__ import annotations

import typing as t

from ..proxy.state import ProxyState
from . import drain
from .context import StackContext
from .gates import health
from .record import Record

NOTHING: dict[str, t.Any] = {"stopped": None, "dropped_requests": 0}


def hold_and_stop(ctx: StackContext, number: int, token: int) -> dict[str, t.Any]:
    """Let requests wait, let those in flight finish, and stop the live color and the workers; containers stay.

    Returns the color that was stopped and how many requests were cut off. The switch lets the requests go on.
    """
    stack = ctx.records.need(number).stack
    live = ctx.live()
    if not live:
        return NOTHING
    ctx.lock.renew(token, "hold", stack.drain + 60)
    # Who is shown the maintenance page waits for nothing, and the switch must not open what a person closed.
    ctx.proxy.apply(lambda state: ctx.proxy.plan_availability(state, _open(state, ctx.key), "held"))
    left = drain.wait_until_drained(ctx.proxy, ctx.key, live, stack.drain)
    ctx.engine.stop([*ctx.containers(color=live), *ctx.containers(role="worker")])
    return {"stopped": live, "dropped_requests": left}


def _open(state: ProxyState, key: str) -> list[str]:
    return [] if state.availability.get(key) == "maintenance" else [key]


def restart_and_resume(ctx: StackContext, old: Record) -> bool:
    """Start again what ``hold`` stopped and let the requests go on to it; return whether there was anything to do.

    Raises SwitchyardError when the old application does not get healthy: the requests are then still held.
    """
    held = ctx.proxy.read().availability.get(ctx.key) == "held"
    stopped = any(not one.running for one in ctx.containers(color=old.color))
    if not held and not stopped:
        return False
    ctx.compose_up(old, old.color)
    health.wait_until_healthy(ctx.engine, ctx.proxy, ctx.target(old), health.health_settings(old.stack))
    ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, old.color))
    if old.workers:
        ctx.compose_up(old, "workers")
    return True
