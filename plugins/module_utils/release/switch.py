# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch: gates, one change of the proxy, confirmation from outside."""

from __future__ import annotations

import functools
import time
import typing as t
from dataclasses import dataclass, replace

from .. import progress
from ..errors import SwitchyardError
from ..proxy.state import ProxyPlan
from . import drain as release_drain
from .context import StackContext
from .gates import confirm, container_health, health, smoke
from .record import Record


@dataclass(frozen=True)
class SwitchResult:
    """What a switch did: the colors, the seconds of the gates and of the switch, and requests of the old color.

    ``requests`` is how many requests confirmed the switch.
    """

    changed: bool
    color_before: str | None
    color_after: str | None
    diff: t.Mapping[str, str]
    gate_seconds: float = 0.0
    switch_seconds: float = 0.0
    requests: int = 0
    old_in_flight: int = 0


def run_gates(ctx: StackContext, record: Record) -> float:
    """Run the health and smoke gates of a release; return the seconds they took. Raises GateFailed."""
    target = ctx.target(record)
    begin = time.monotonic()
    health.wait_until_healthy(ctx.engine, ctx.proxy, target, health.health_settings(record.stack))
    smoke.run_smoke_checks(ctx.engine, ctx.proxy, target, record.stack.smoke)
    return time.monotonic() - begin


def preview(ctx: StackContext, color: str) -> SwitchResult:
    """Return what a switch would change."""
    return _result(ctx, ctx.proxy.plan_switch(ctx.proxy.read(), ctx.key, color))


def switch(ctx: StackContext, color: str, number: int | None = None, drain: float = 0) -> SwitchResult:
    """Make a color live after its gates, without a release; a color that is live already stays as it is.

    ``number`` is the release on the color, by default the one in the labels of its containers; ``drain`` is how many
    seconds the other color may take for its last requests. Raises GateFailed; when the switch is not confirmed, it is
    reverted first. Raises LockHeld while a release runs.
    """
    planned = preview(ctx, color)
    if not planned.changed:
        return planned
    record = ctx.records.require(number or ctx.release_on(color) or 0)
    ctx.lock.assert_free()
    gate_seconds = run_gates(ctx, record)
    _wait_for_workers(ctx, record)
    moved = move_traffic(ctx, record)
    before = moved.color_before
    in_flight = release_drain.wait_until_drained(ctx.proxy, ctx.key, before, drain) if before else 0
    return replace(moved, gate_seconds=round(gate_seconds, 3), old_in_flight=in_flight)


def pass_gates(ctx: StackContext, record: Record, token: int) -> float:
    """Run the gates of a release before its switch; return their seconds. Raises GateFailed."""
    ctx.lock.renew(token, "gates", health.health_timeout(record.stack))
    with progress.report_progress(ctx.folder, "gates"):
        seconds = run_gates(ctx, record)
        if record.color_waits:
            with ctx.lock.renewed(token, "gates"):
                _wait_for_workers(ctx, record)
    return round(seconds, 3)


def move_traffic(ctx: StackContext, record: Record) -> SwitchResult:
    """Send all users to the color of a release, and confirm it from outside.

    Raises GateFailed when it is not confirmed; then the color from before is live again.
    """
    begin = time.monotonic()
    plan = ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, record.color))
    before = plan.before.live.get(ctx.key)
    try:
        requests = confirm.confirm_switch(ctx.proxy, ctx.target(record).routing, record.color)
    except SwitchyardError:
        ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, before))
        raise
    return _result(ctx, plan, switch_seconds=round(time.monotonic() - begin, 3), requests=requests)


def _wait_for_workers(ctx: StackContext, record: Record) -> None:
    """Wait for the services of the color that the workers need healthy. Raises GateFailed."""
    for wait in record.color_waits:
        containers = functools.partial(ctx.containers, color=record.color, service=wait.service)
        container_health.wait_until_healthy(ctx.engine, "service", wait, containers)


def _result(ctx: StackContext, plan: ProxyPlan, **measured: t.Any) -> SwitchResult:
    before, after = plan.before.live.get(ctx.key), plan.after.live.get(ctx.key)
    lines = {name: f"{ctx.key} {color}\n" if color else "" for name, color in (("before", before), ("after", after))}
    return SwitchResult(plan.changed, before, after, {**lines, "before_header": "live color"}, **measured)
