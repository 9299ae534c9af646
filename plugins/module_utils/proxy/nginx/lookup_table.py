# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx map blocks that find the stack of a request."""

from __future__ import annotations

import typing as t

from ... import names
from ..route_options import NO_OPTIONS, RouteOptions
from ..state import RouteKey
from . import route_options
from .flags import INSIDE
from .route_options import expression, quoted, variable


def pattern(address: str) -> str:
    """Return an expression for everything that begins with a text."""
    return f'"~^{expression(address)}"'


class LookupTable:
    """All routes of a server, as nginx looks them up: the longest host and path that a request begins with.

    An address counts for the public when the color that is live has it, or nothing is live of its stack. Where it
    does not count, the next shorter one does, which may be another stack's.
    """

    def __init__(
        self, routes: t.Mapping[RouteKey, str], options: t.Mapping[RouteKey, RouteOptions] | None = None
    ) -> None:
        """Take the routes of a state, and their options."""
        self.routes = routes
        longest_first = sorted(routes.items(), key=lambda item: (-len(item[0][2]), item[0]))
        self.ways = [
            route_options.NumberedRoute(number, way, service, (options or {}).get(way, NO_OPTIONS))
            for number, (way, service) in enumerate(longest_first, 1)
        ]
        self.owner = {address: key for key, _color, address in routes}
        # Longer ones first: the first expression that fits is the one that nginx takes.
        self.addresses = sorted(self.owner, key=lambda address: (-len(address), address))
        self.number = {address: number for number, address in enumerate(self.addresses, 1)}

    def next(self, address: str, color: str) -> str | None:
        """Return the address to look at instead, where a color that is live does not have this one."""
        key = self.owner[address]
        for other in self.addresses[self.number[address] :]:
            if address.startswith(other) and (self.owner[other] != key or (key, color, other) in self.routes):
                return other
        return None

    def instead(self) -> dict[tuple[str, str], str | None]:
        """Return the next address for each one that a color does not have."""
        return {
            (address, color): self.next(address, color)
            for address in self.addresses
            for color in names.COLORS
            if (self.owner[address], color, address) not in self.routes
        }

    def depth(self) -> int:
        """Return how many stacks nginx may have to look at before it knows whose a request is."""
        depth = dict.fromkeys(self.addresses, 1)
        for (address, _color), other in reversed(self.instead().items()):
            if other and self.owner[other] != self.owner[address]:
                depth[address] = max(depth[address], 1 + depth[other])
        return max(depth.values(), default=1)

    def maps(self) -> str:
        """Return the maps that the public's and the private way in read."""
        number = self.number
        return "\n".join(
            [
                variable("$sy_at", "$sy_first", [(pattern(at), f'"{number[at]}"') for at in self.addresses]),
                variable(
                    "$sy_number", "$sy_owner", [(f'"{number[at]}"', quoted(self.owner[at])) for at in self.addresses]
                ),
                variable(
                    '"$sy_number:$sy_live"',
                    "$sy_next",
                    [
                        (f'"{number[at]}:{color}"', f'"{number[other] if other else ""}"')
                        for (at, color), other in self.instead().items()
                    ],
                    default="$sy_number",
                ),
                variable(
                    '"$sy_wish:$sy_at"',
                    "$sy_private",
                    [(pattern(f"{way.color}:{way.address}"), quoted(way.key)) for way in self.ways],
                ),
                variable(
                    '"$sy_stack:$sy_color:$sy_at"',
                    "$sy_way",
                    [(pattern(f"{way.key}:{way.color}:{way.address}"), f'"{way.number}"') for way in self.ways],
                ),
                variable("$sy_way", "$sy_service", [(f'"{way.number}"', quoted(way.service)) for way in self.ways]),
            ]
        )

    def lookup(self) -> str:
        """Return what finds the stack of a request, and the color of it that is live."""
        lines = ["set $sy_number $sy_first;"]
        for _level in range(self.depth()):
            lines += [
                "set $sy_stack $sy_owner;",
                'set $sy_flags "";',
                f"if (-f {INSIDE}/flags/$sy_stack.live) {{ set $sy_flags blue; }}",
                f'if (-f {INSIDE}/flags/$sy_stack.green) {{ set $sy_flags "${{sy_flags}}green"; }}',
                "set $sy_live $sy_flagged;",
                "set $sy_number $sy_next;",
            ]
        return "\n".join([*lines, "set $sy_stack $sy_owner;", ""])
