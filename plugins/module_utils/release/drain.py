# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a color: nobody new comes, who is there may finish, then its containers go."""

from __future__ import annotations

import time
import typing as t

from ..errors import SwitchyardError
from .context import Place
from .gates import health


def empty(place: Place, color: str, stack: dict[str, t.Any], token: int, since: float | None = None) -> int:
    """Drain a color that is not live and remove its containers; return how many requests were cut off.

    ``since`` is when it lost the public (seconds, epoch), by default now: requests get ``drain`` seconds from then on,
    and those that never end by themselves, as WebSockets, ``drain_long``. Raises SwitchyardError when the color is
    live: then nothing is touched.
    """
    state = place.proxy.read()
    if state.live.get(place.key) == color:
        raise SwitchyardError(f"{color} of {place.stack} is live: it is not touched.")
    if place.key in state.weights and take_share(place):
        since = None
    standing = place.containers(color=color)
    if not standing:
        return 0
    passed = time.time() - since if since else 0.0
    limit = max(0.0, max(stack["drain"], stack["drain_long"]) - passed)
    place.lock.renew(token, f"drain {color}", limit)
    left = health.drain(place.proxy, place.key, color, limit)
    place.engine.remove(standing)
    return left


def take_share(place: Place) -> bool:
    """Give the clients of a canary back to the live color; return whether it had any."""
    plan = place.proxy.apply(lambda state: place.proxy.plan_weight(state, place.key, 0))
    return plan.before.weights != plan.after.weights


def live_since(place: Place) -> float | None:
    """Return when the live release got the public (seconds, epoch)."""
    record = place.records.get(place.release_on(place.live()))
    return record.finished if record else None
