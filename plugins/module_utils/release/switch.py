# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch: gates, one step of the proxy, the proof. And what stands on each color."""

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict, dataclass

from .. import names
from ..errors import SwitchyardError
from ..proxy.driver import Plan
from .context import Place
from .gates import health
from .record import Record


@dataclass(frozen=True)
class Switched:
    """What a switch did: the proxy's plan, the seconds of the gates and of the switch, and what was in flight."""

    plan: Plan
    gate_seconds: float
    switch_seconds: float
    asked: int
    old_in_flight: int


def gate(place: Place, record: Record) -> float:
    """Hold the health and smoke gates of a release; return the seconds it took. Raises SwitchyardError."""
    standing = place.standing(record)
    begun = time.monotonic()
    health.health(place.engine, place.proxy, standing, health.settings_of(record.stack))
    health.smoke(place.engine, place.proxy, standing, record.stack["smoke"])
    return time.monotonic() - begun


def plan_switch(place: Place, color: str) -> Plan:
    """Return what a switch would change."""
    return place.proxy.plan_switch(place.proxy.read(), place.key, color)


def switch(place: Place, color: str, number: int | None = None, token: int | None = None, drain: float = 0) -> Switched:
    """Send the public to a color, after its gates, and prove it; a color that is live already is left as it is.

    ``number`` names the release that stands there (by default the one on its containers). Raises SwitchyardError;
    when the proof fails, traffic is back where it was.
    """
    if not plan_switch(place, color).changed:
        return Switched(plan_switch(place, color), 0.0, 0.0, 0, 0)
    record = place.records.need(number or place.release_on(color) or 0)
    if token is None:
        held = place.lock.holder()
        if held and held.until > time.time():
            raise SwitchyardError(f"{held.sentence(place.stack)}. Wait until that is done.")
    else:
        place.lock.renew(token, "gates", health.patience_of(record.stack))
    waited = gate(place, record)
    if token is not None:
        place.lock.renew(token, "switch")
    begun = time.monotonic()
    plan = place.proxy.apply(lambda state: place.proxy.plan_switch(state, place.key, color))
    before = plan.before.live.get(place.key)
    routing = place.standing(record).routing
    try:
        asked = health.confirm(place.proxy, routing, color)
    except SwitchyardError:
        place.proxy.apply(lambda state: place.proxy.plan_switch(state, place.key, before))
        raise
    took = time.monotonic() - begun
    left = health.drain(place.proxy, place.key, before, drain) if before else 0
    return Switched(plan, waited, took, asked, left)


def result(place: Place, plan: Plan) -> dict[str, t.Any]:
    """Return what a module says of a switch, done or planned."""
    before, after = plan.before.live.get(place.key), plan.after.live.get(place.key)
    lines = {name: f"{place.key} {color}\n" if color else "" for name, color in (("before", before), ("after", after))}
    return {"changed": plan.changed, "before": before, "after": after, "diff": {**lines, "before_header": "live color"}}


def info(place: Place) -> dict[str, t.Any]:
    """Return what the running proxy and the engine say of a stack now."""
    state = place.proxy.read()
    containers = place.containers()
    held = place.lock.holder()
    return {
        "live": state.live.get(place.key),
        "routes": state.of(place.key, state.live.get(place.key)),
        "closed": state.closed.get(place.key),
        "colors": {
            color: {
                "release": place.release_on(color),
                "in_flight": place.proxy.in_flight(place.key, color),
                "containers": {one.name: one.state for one in containers if one.label("color") == color},
                "proxy": place.proxy.stats(place.key, color),
            }
            for color in names.COLORS
        },
        "workers": {one.name: one.state for one in containers if one.label("role") == "worker"},
        "lease": asdict(held) if held else None,
    }
