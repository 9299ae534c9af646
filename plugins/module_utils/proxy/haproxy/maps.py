# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's map files: the proxy state as text, and back."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...config.wildcard_hosts import is_wildcard
from ..layout import CONFIG_ROOT
from ..request_form import scopes
from ..state import ProxyState, RouteKey

# In the order in which they change: the routes of a color before the color, and held requests continue once it is live.
MAPS = ("scopes", "routes", "preview_routes", "live_routes", "live", "weights", "availability")

# An entry makes an old worker pass its requests on to the current one.
OLD_WORKER = f"{CONFIG_ROOT}/maps/old-worker.map"


def maps_of(state: ProxyState) -> dict[str, dict[str, str]]:
    """Return the maps of a state, by name; roles/proxy/templates/haproxy/main.j2 reads them.

    ``routes`` leads from stack, color, host and path to a service. ``live_routes`` leads from host and path to a
    stack, by the routes of the live color; ``preview_routes`` does for requests that name a color. ``live``,
    ``weights`` and ``availability`` are by stack. ``scopes`` has the scope of each host (``request_form.py``), and an
    entry ``*`` where a host is a wildcard.
    """
    nothing_live = {host_path: key for (key, _color, host_path) in state.routes if key not in state.live}
    live = {host_path: key for (key, color, host_path) in state.routes if state.live.get(key) == color}
    hosts = scopes(host_path for (_key, _color, host_path) in state.routes)
    return {
        "scopes": {**hosts, **({"*": "0"} if any(map(is_wildcard, hosts)) else {})},
        "routes": {":".join(route): service for route, service in state.routes.items()},
        "preview_routes": {f"{color}:{host_path}": key for (key, color, host_path) in state.routes},
        "live_routes": {**nothing_live, **live},
        "availability": dict(state.availability),
        "live": dict(state.live),
        "weights": {key: str(percent) for key, percent in state.weights.items()},
    }


def state_of(maps: t.Mapping[str, t.Mapping[str, str]]) -> ProxyState:
    """Return the state in HAProxy's maps; entries in another form have no effect and are left out."""
    routes: dict[RouteKey, str] = {}
    for entry, service in maps["routes"].items():
        key, color, host_path = (*entry.split(":", 2), "", "")[:3]
        if host_path:
            routes[key, color, host_path] = service
    weights = {key: int(percent) for key, percent in maps["weights"].items() if percent.isdigit()}
    state = ProxyState(live=maps["live"], routes=routes, weights=weights, availability=maps["availability"])
    return replace(state, in_sync=maps_of(state) == {name: dict(maps[name]) for name in MAPS})
