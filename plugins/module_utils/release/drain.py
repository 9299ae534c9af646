# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drains a color: it gets no new requests, finishes those in flight, and its containers are removed."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .. import progress
from ..config.stack import Stack
from ..engine.models import Container
from ..errors import SwitchyardError
from .context import StackContext
from .gates.probe import POLL

if t.TYPE_CHECKING:
    from ..proxy.driver import Proxy


@dataclass(frozen=True)
class DrainedColor:
    """The containers of a color that was drained, and the requests that it still answered at its drain limit."""

    containers: tuple[Container, ...] = ()
    remaining: int = 0


def drain_and_remove(ctx: StackContext, color: str, stack: Stack, token: int, since: float | None = None) -> int:
    """Drain a color that is not live and remove its containers; return how many requests were dropped."""
    drained = drain_color(ctx, color, stack, token, since)
    ctx.engine.remove(drained.containers)
    return drained.remaining


def drain_color(ctx: StackContext, color: str, stack: Stack, token: int, since: float | None = None) -> DrainedColor:
    """Drain a color that is not live; return its containers, which run still.

    ``since`` is when it stopped being live (seconds since the epoch), by default now: from then on requests have
    ``drain`` seconds, and connections that do not end by themselves, such as WebSockets, ``drain_long_lived``.
    Raises SwitchyardError when the color is live: then it is not touched.
    """
    state = ctx.proxy.read()
    if state.live.get(ctx.key) == color:
        raise SwitchyardError(f"{color} of {ctx.stack} is live, so it was not removed.")
    if ctx.key in state.weights and clear_canary_weight(ctx):
        since = None
    containers = ctx.containers(color=color)
    if not containers:
        return DrainedColor()
    passed = time.time() - since if since else 0.0
    limit = max(0.0, stack.drain_limit - passed)
    ctx.lock.renew(token, f"drain {color}", limit)
    with progress.report_progress(ctx.folder, "drain"):
        remaining = wait_until_drained(ctx.proxy, ctx.key, color, limit)
    return DrainedColor(tuple(containers), remaining)


def clear_canary_weight(ctx: StackContext) -> bool:
    """Send the clients of a canary back to the live color; return whether it had any."""
    plan = ctx.proxy.apply(lambda state: ctx.proxy.plan_weight(state, ctx.key, 0))
    return plan.before.weights != plan.after.weights


def live_since(ctx: StackContext) -> float | None:
    """Return when the live release became live (seconds since the epoch)."""
    record = ctx.records.get(ctx.release_on(ctx.live()))
    return record.finished if record else None


def wait_until_drained(proxy: Proxy, key: str, color: str, limit: float) -> int:
    """Wait until a color answers no request, at most ``limit`` seconds; return how many remain."""
    end = time.monotonic() + limit
    while True:
        remaining = proxy.in_flight(key, color)
        if remaining == 0 or time.monotonic() > end:
            return remaining
        time.sleep(POLL)
