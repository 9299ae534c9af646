# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the running proxy and the engine report about a stack."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from .. import names
from .context import StackContext


def stack_status(place: StackContext) -> dict[str, t.Any]:
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
