# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of a canary: a percentage of the clients gets the new color while its containers are watched."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .. import progress
from ..config.canary_steps import CanaryStep
from ..errors import GateFailed
from . import switch
from .context import StackContext
from .gates import health

# Seconds between two looks at the containers.
POLL = 1.0


@dataclass(frozen=True)
class CanaryResult:
    """What a step did: the percentages before and after it, and the seconds of the gates before the first step."""

    percent_before: int
    percent_after: int
    gate_seconds: float


def run_canary_step(ctx: StackContext, number: int, token: int | None, step: CanaryStep) -> CanaryResult:
    """Send a percentage of the clients to a release's color for some seconds, after its gates on the first step.

    Without a token, the step is not part of a release. Raises GateFailed when a gate fails, when the proxy does not
    apply the percentage, or when a container ends; the canary keeps its clients until the release is reverted. Raises
    LockHeld without a token while a release runs.
    """
    record = ctx.records.require(number)
    if token is None:
        ctx.lock.assert_free()
    else:
        ctx.lock.renew(token, f"canary {step.percent} %", health.health_timeout(record.stack) + step.seconds)
    before = ctx.proxy.read().weights.get(ctx.key, 0)
    gate_seconds = 0.0 if before else switch.run_gates(ctx, record)
    ctx.proxy.apply(lambda state: ctx.proxy.plan_weight(state, ctx.key, step.percent))
    after = ctx.proxy.read().weights.get(ctx.key, 0)
    if after != step.percent:
        message = f"The proxy sends {after} % of {ctx.stack} to {record.color}, not {step.percent} % as configured."
        raise GateFailed(message, gate="canary")
    target = ctx.target(record)
    end = time.monotonic() + step.seconds
    with progress.report_progress(ctx.folder, "canary", detail=lambda: f"{step.percent} % of the clients"):
        while time.monotonic() < end:
            health.assert_containers_running(ctx.engine, target, "none since it has clients")
            time.sleep(min(POLL, max(0.0, end - time.monotonic())))
    if token is not None:
        ctx.records.save(ctx.records.require(number).updated(canary_steps_done=step.number))
    return CanaryResult(before, after, round(gate_seconds, 3))
