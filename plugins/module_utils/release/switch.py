# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch: gates, one step of the proxy, the proof. And what stands on each color."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ..errors import SwitchyardError
from ..proxy.state import ProxyPlan
from . import drain as release_drain
from .context import StackContext
from .gates import confirm, health, smoke
from .record import Record


@dataclass(frozen=True)
class SwitchResult:
    """What a switch did: the proxy's plan, the seconds of the gates and of the switch, and what was in flight."""

    plan: ProxyPlan
    gate_seconds: float
    switch_seconds: float
    requests: int
    old_in_flight: int


def gate(ctx: StackContext, record: Record) -> float:
    """Hold the health and smoke gates of a release; return the seconds it took. Raises SwitchyardError."""
    target = ctx.target(record)
    begun = time.monotonic()
    health.wait_until_healthy(ctx.engine, ctx.proxy, target, health.health_settings(record.stack))
    smoke.run_smoke_checks(ctx.engine, ctx.proxy, target, record.stack.smoke)
    return time.monotonic() - begun


def plan_switch(ctx: StackContext, color: str) -> ProxyPlan:
    """Return what a switch would change."""
    return ctx.proxy.plan_switch(ctx.proxy.read(), ctx.key, color)


def switch(
    ctx: StackContext, color: str, number: int | None = None, token: int | None = None, drain: float = 0
) -> SwitchResult:
    """Send the public to a color, after its gates, and prove it; a color that is live already is left as it is.

    ``number`` names the release that stands there (by default the one on its containers). Raises SwitchyardError;
    when the proof fails, traffic is back where it was.
    """
    if not plan_switch(ctx, color).changed:
        return SwitchResult(plan_switch(ctx, color), 0.0, 0.0, 0, 0)
    record = ctx.records.need(number or ctx.release_on(color) or 0)
    if token is None:
        ctx.lock.assert_free()
    else:
        ctx.lock.renew(token, "gates", health.health_timeout(record.stack))
    waited = gate(ctx, record)
    if token is not None:
        ctx.lock.renew(token, "switch")
    begun = time.monotonic()
    plan = ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, color))
    before = plan.before.live.get(ctx.key)
    routing = ctx.target(record).routing
    try:
        requests = confirm.confirm_switch(ctx.proxy, routing, color)
    except SwitchyardError:
        ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, before))
        raise
    took = time.monotonic() - begun
    left = release_drain.wait_until_drained(ctx.proxy, ctx.key, before, drain) if before else 0
    return SwitchResult(plan, waited, took, requests, left)


def result(ctx: StackContext, plan: ProxyPlan) -> dict[str, t.Any]:
    """Return what a module says of a switch, done or planned."""
    before, after = plan.before.live.get(ctx.key), plan.after.live.get(ctx.key)
    lines = {name: f"{ctx.key} {color}\n" if color else "" for name, color in (("before", before), ("after", after))}
    return {
        "changed": plan.changed,
        "color_before": before,
        "color_after": after,
        "diff": {**lines, "before_header": "live color"},
    }
