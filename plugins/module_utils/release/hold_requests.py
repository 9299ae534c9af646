# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds requests in the proxy while the old version is stopped: strategy ``recreate`` and breaking migrations."""

from __future__ import annotations

from dataclasses import dataclass

from ..proxy.state import ProxyState
from . import drain
from .context import StackContext
from .gates import health
from .record import Record

# Seconds beyond the drain for stopping the containers.
STOP_TIMEOUT = 60


@dataclass(frozen=True)
class HoldResult:
    """The color that was stopped, or None, and how many requests it still answered at its drain limit."""

    stopped: str | None = None
    dropped_requests: int = 0


def hold_and_stop(ctx: StackContext, number: int, token: int) -> HoldResult:
    """Hold new requests, drain the live color, and stop it and the workers; the containers stay.

    The switch resumes the held requests.
    """
    stack = ctx.records.require(number).stack
    live = ctx.live()
    if not live:
        return HoldResult()
    ctx.lock.renew(token, "hold", stack.drain + STOP_TIMEOUT)
    # Clients that get the maintenance page do not wait, and the switch must not end a maintenance that a user set.
    ctx.proxy.apply(lambda state: ctx.proxy.plan_availability(state, _without_maintenance(state, ctx.key), "held"))
    remaining = drain.wait_until_drained(ctx.proxy, ctx.key, live, stack.drain)
    ctx.engine.stop([*ctx.containers(color=live), *ctx.containers(role="worker")])
    return HoldResult(live, remaining)


def _without_maintenance(state: ProxyState, key: str) -> list[str]:
    return [] if state.availability.get(key) == "maintenance" else [key]


def restart_and_resume(ctx: StackContext, old: Record) -> bool:
    """Start again what ``hold_and_stop`` stopped, and resume requests to it; return whether anything was stopped.

    Raises GateFailed when the old version does not get healthy: the proxy holds the requests then.
    """
    held = ctx.proxy.read().availability.get(ctx.key) == "held"
    stopped = any(not container.running for container in ctx.containers(color=old.color))
    if not held and not stopped:
        return False
    ctx.compose_up(old, old.color)
    health.wait_until_healthy(ctx.engine, ctx.proxy, ctx.target(old), health.health_settings(old.stack))
    ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, old.color))
    if old.workers:
        ctx.compose_up(old, "workers")
    return True
