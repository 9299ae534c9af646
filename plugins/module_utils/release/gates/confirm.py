# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Confirms a switch by requests through the proxy, also the one back to an earlier release."""

from __future__ import annotations

import time
import typing as t

from ...errors import GateFailed
from .probe import POLL, probe_via_proxy

if t.TYPE_CHECKING:
    from ...proxy.driver import Proxy
    from ...proxy.state import StackRoutes
    from ..context import StackContext
    from ..record import Record


def switch_back(ctx: StackContext, old: Record) -> None:
    """Send all users back to the color of an earlier release. Raises GateFailed when it is not confirmed."""
    ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, old.color))
    confirm_switch(ctx.proxy, ctx.target(old).routing, old.color)


def confirm_switch(proxy: Proxy, routing: StackRoutes, color: str, limit: float = 5.0) -> int:
    """Wait until every route answers with a color from outside; return how many requests that took.

    Any status counts: the gates have checked the rest. Raises
    GateFailed when another color still answers after ``limit`` seconds.
    """
    end = time.monotonic() + limit
    requests = 0
    for route in routing.routes:
        while True:
            requests += 1
            answer = probe_via_proxy(proxy, route.host, route.path, None, limit)
            if answer.color == color:
                break
            if time.monotonic() > end:
                raise GateFailed(f"The proxy was set to send {routing.stack} to {color}, but {answer}.", gate="confirm")
            time.sleep(POLL)
    return requests
