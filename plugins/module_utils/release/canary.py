# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of a canary: a percentage of the clients gets the new color, which is watched while it has them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from .. import progress
from ..config.canary_steps import CanaryStep
from ..errors import GateFailed
from . import switch
from .context import StackContext
from .gates import health
from .gates.watch import NO_DATA, Watch, WatchResult
from .record import Record

# Seconds between two looks at the containers.
POLL = 1.0


@dataclass(frozen=True)
class CanaryResult:
    """What a step did: the percentages before and after it, and the seconds of the gates before the first step.

    ``watched`` is what the watch gate found, in a sentence.
    """

    percent_before: int
    percent_after: int
    gate_seconds: float
    watched: str = ""


def run_canary_step(ctx: StackContext, number: int, token: int | None, step: CanaryStep) -> CanaryResult:
    """Send a percentage of the clients to a release's color for some seconds, and watch it.

    Raises GateFailed and LockHeld as ``give_share`` and ``watch_share`` do.
    """
    given = give_share(ctx, number, token, step)
    watched = watch_share(ctx, number, token, step)
    return replace(given, watched=watched.message if watched else "")


def give_share(ctx: StackContext, number: int, token: int | None, step: CanaryStep) -> CanaryResult:
    """Send the percentage of a step to a release's color, after its gates on the first step.

    Without a token, the step is not part of a release. Raises GateFailed when a gate fails, or when the proxy does not
    apply the percentage. Raises LockHeld without a token while a release runs.
    """
    record = ctx.records.require(number)
    if token is None:
        ctx.lock.assert_free()
    else:
        ctx.lock.renew(token, f"canary {step.percent} %", health.health_timeout(record.stack))
    before = ctx.proxy.read().weights.get(ctx.key, 0)
    gate_seconds = 0.0 if before else switch.run_gates(ctx, record)
    ctx.proxy.apply(lambda state: ctx.proxy.plan_weight(state, ctx.key, step.percent))
    after = ctx.proxy.read().weights.get(ctx.key, 0)
    if after != step.percent:
        message = f"The proxy sends {after} % of {ctx.stack} to {record.color}, not {step.percent} % as configured."
        raise GateFailed(message, gate="canary")
    return CanaryResult(before, after, round(gate_seconds, 3))


def watch_share(ctx: StackContext, number: int, token: int | None, step: CanaryStep) -> WatchResult | None:
    """Watch a color while it has the percentage of a step; return what the watch gate found, None without one.

    Raises GateFailed when a container ends, or when the gate fails, which sends the clients back first. Otherwise the
    canary keeps its clients until the release is reverted.
    """
    record, found = ctx.records.require(number), None
    name = f"canary {step.percent} %"
    if record.stack.watch and not step.pause:
        found = Watch(ctx, record, record.stack.watch, step.seconds, canary=True).run(token, name)
    else:
        if token is not None:
            ctx.lock.renew(token, name, step.seconds)
        _watch_containers(ctx, record, step)
    if token is not None:
        ctx.records.save(ctx.records.require(number).updated(canary_steps_done=step.number))
    return found


def must_pause(record: Record, found: WatchResult | None) -> bool:
    """Return whether a canary waits for an operator, because a step had too few requests."""
    spec = record.stack.watch
    return bool(spec and spec.on_no_data == "pause" and found and found.outcome == NO_DATA)


def _watch_containers(ctx: StackContext, record: Record, step: CanaryStep) -> None:
    target = ctx.target(record)
    end = time.monotonic() + step.seconds
    with progress.report_progress(ctx.folder, "canary", detail=lambda: f"{step.percent} % of the clients"):
        while time.monotonic() < end:
            health.assert_containers_running(ctx.engine, target, "none since it has clients")
            time.sleep(min(POLL, max(0.0, end - time.monotonic())))
