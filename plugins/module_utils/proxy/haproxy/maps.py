# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's map files: the proxy state as text, and back."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...errors import SwitchyardError
from ..state import ProxyState, RouteKey

# Where the folders of the server are mounted for the proxy; roles/proxy uses the same paths.
INSIDE = "/etc/switchyard"

# In the order in which they change: what leads to a color comes before the color, and requests that were held go on
# when it stands.
MAPS = ("routes", "preview_routes", "live_routes", "live", "weights", "availability")

# An entry in it makes a worker pass its requests on.
OLD_WORKER = f"{INSIDE}/maps/old-worker.map"


def maps_of(state: ProxyState) -> dict[str, dict[str, str]]:
    """Return the maps that make HAProxy do this, by name; roles/proxy's haproxy.cfg.j2 reads them.

    ``live_routes`` leads from a host and path to a stack, by the routes of the live color; ``live`` from a stack to its
    color; ``routes`` from stack, color, host and path to a service. ``preview_routes`` is for requests that name a
    color. ``weights`` and ``availability`` are by stack.
    """
    nothing_live = {at: key for (key, _color, at) in state.routes if key not in state.live}
    live = {at: key for (key, color, at) in state.routes if state.live.get(key) == color}
    return {
        "routes": {":".join(way): service for way, service in state.routes.items()},
        "preview_routes": {f"{color}:{at}": key for (key, color, at) in state.routes},
        "live_routes": {**nothing_live, **live},
        "availability": dict(state.availability),
        "live": dict(state.live),
        "weights": {key: str(percent) for key, percent in state.weights.items()},
    }


def state_of(maps: t.Mapping[str, t.Mapping[str, str]]) -> ProxyState:
    """Return what HAProxy does, from its maps; entries that are not in our form do nothing and are left out."""
    routes: dict[RouteKey, str] = {}
    for entry, service in maps["routes"].items():
        key, color, address = (*entry.split(":", 2), "", "")[:3]
        if address:
            routes[key, color, address] = service
    weights = {key: int(percent) for key, percent in maps["weights"].items() if percent.isdigit()}
    state = ProxyState(live=maps["live"], routes=routes, weights=weights, availability=maps["availability"])
    return replace(state, in_sync=maps_of(state) == {name: dict(maps[name]) for name in MAPS})


def map_text(entries: t.Mapping[str, str]) -> str:
    """Return the content of a map file (configuration manual, 7.3.1, converter ``map``): a key and a value a line."""
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))


def parse_map(answer: str) -> dict[str, str]:
    """Return the entries of ``show map``: an address, the key and the value a line.

    Raises SwitchyardError for any other answer: taken for a map, it would be written over every stack's routes.
    """
    rows = [line.split(None, 2) for line in answer.splitlines() if line.strip()]
    if any(len(row) != 3 or not row[0].startswith("0x") for row in rows):
        raise SwitchyardError(f"The proxy did not show its map: {answer.strip()}. Look at its log, then run setup.yml.")
    return {key: value.strip() for _address, key, value in rows}
