# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The current state of a stack, from the running proxy, the engine and the records."""

from __future__ import annotations

import typing as t

from .. import names
from ..config.stack import Stack
from ..engine import compose_roles
from ..engine.models import Container
from ..proxy.state import ProxyState
from .context import StackContext
from .migration import state as migration_state
from .plan import StackState
from .record import Record
from .routes import routes_of_stack


def read_state(
    ctx: StackContext, state: ProxyState, normalised: t.Mapping[str, t.Any], stack: Stack | None
) -> StackState:
    """Return the current state of a stack; without ``stack``, its routes count as known to the proxy."""
    live = state.live.get(ctx.key)
    containers = ctx.containers()
    current = [item for item in containers if item.label("role") == "worker" or (live and item.label("color") == live)]
    numbers = {int(item.label("release") or 0) for item in current if item.label("color") == live}
    record = ctx.records.get(max(numbers, default=0))
    own = [item for item in containers if item in current or _is_accessory(item, record)]
    running = sum(1 for item in own if item.running)
    expected = record.containers + record.workers + record.accessories if record else -1
    weight = state.weights.get(ctx.key, 0)
    return StackState(
        live=live,
        live_record=record,
        warm_record=ctx.records.get(record.previous) if record else None,
        healthy=running == expected,
        fingerprints=frozenset(item.label("fingerprint") for item in current),
        routes_known=not (stack and live) or _routes_known(ctx, state, normalised, stack, live, record),
        weight=weight,
        canary=ctx.records.get(ctx.release_on(names.other(live))) if live and weight else None,
        held=state.availability.get(ctx.key) == "held",
        interrupted=migration_state.load_state(ctx) is not None,
        ended=tuple(sorted(item.name for item in own if not item.running)),
    )


def _is_accessory(item: Container, record: Record | None) -> bool:
    """Return whether a container is an accessory of the release; one that it no longer has does not count."""
    if item.label("role") != "accessory":
        return False
    return not record or item.label("service") in record.stack.accessories


def _routes_known(
    ctx: StackContext,
    state: ProxyState,
    normalised: t.Mapping[str, t.Any],
    stack: Stack,
    live: str,
    record: Record | None,
) -> bool:
    """Return whether the proxy already has the routes of a stack; only the driver knows what else it needs of them."""
    counts = {name: compose_roles.replicas_of(dict(normalised), name) for name in normalised.get("services", {})}
    routing = routes_of_stack(stack, ctx.project, ctx.environment, counts, record.ports if record else {})
    return not ctx.proxy.plan_routes(state, routing, live).changed
