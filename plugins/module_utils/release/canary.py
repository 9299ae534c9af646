# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A step of a canary: a share of the clients gets the new color, and its containers are watched meanwhile."""

from __future__ import annotations

import time
import typing as t

from ..config.canary_steps import CanaryStep
from ..errors import GateFailed
from . import switch
from .context import StackContext
from .gates import health

POLL = 1.0


def run_canary_step(ctx: StackContext, number: int, token: int, step: CanaryStep) -> dict[str, t.Any]:
    """Give the color of a release a percentage of the clients for some seconds; the gates hold before the first.

    Raises GateFailed when a gate does not hold, when the
    proxy does not do it, or when a container does not keep running; the share is then still to be taken back.
    """
    record = ctx.records.need(number)
    ctx.lock.renew(token, f"canary {step.percent} %", health.health_timeout(record.stack) + step.seconds)
    before = ctx.proxy.read().weights.get(ctx.key, 0)
    waited = 0.0 if before else switch.gate(ctx, record)
    ctx.proxy.apply(lambda state: ctx.proxy.plan_weight(state, ctx.key, step.percent))
    now = ctx.proxy.read().weights.get(ctx.key, 0)
    if now != step.percent:
        raise GateFailed(
            f"The proxy was told to send {step.percent} % of {ctx.stack} on, and sends {now} %.", gate="canary"
        )
    target = ctx.target(record)
    end = time.monotonic() + step.seconds
    while time.monotonic() < end:
        health.assert_containers_running(ctx.engine, target, "none since it got a share of the clients")
        time.sleep(min(POLL, max(0.0, end - time.monotonic())))
    ctx.records.save(ctx.records.need(number).now(steps=step.number))
    return {"percent_before": before, "percent_after": now, "gate_seconds": round(waited, 3)}
