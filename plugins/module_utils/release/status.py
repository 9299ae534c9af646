# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the running proxy and the engine report about a stack."""

from __future__ import annotations

import typing as t

from .. import names, state_file
from .context import StackContext


def stack_status(ctx: StackContext) -> dict[str, t.Any]:
    """Return the state of a stack now, from the running proxy and the engine."""
    state = ctx.proxy.read()
    containers = ctx.containers()
    return {
        "live": state.live.get(ctx.key),
        "routes": state.routes_of(ctx.key, state.live.get(ctx.key)),
        "availability": state.availability.get(ctx.key),
        "colors": {
            color: {
                "release": ctx.release_on(color),
                "in_flight": ctx.proxy.in_flight(ctx.key, color),
                "containers": {item.name: item.state for item in containers if item.label("color") == color},
                "proxy": ctx.proxy.stats(ctx.key, color),
            }
            for color in names.COLORS
        },
        "workers": {item.name: item.state for item in containers if item.label("role") == "worker"},
        "lock": state_file.as_json(ctx.lock.state()),
    }
