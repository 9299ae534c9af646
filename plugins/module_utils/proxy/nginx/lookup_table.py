# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx map blocks that find the stack, the color and the service of a request."""

from __future__ import annotations

import typing as t

from ... import names
from ...config.wildcard_hosts import covers, is_wildcard
from ..layout import CONFIG_ROOT
from ..request_form import scopes
from ..route_options import NO_OPTIONS, RouteOptions
from ..state import RouteKey
from .route_options import NumberedRoute
from .syntax import expression, quoted, variable


def pattern(host_path: str, before: str = "") -> str:
    """Return an expression that matches every text that begins with a host and path, after a text ``before`` them.

    The host may be a wildcard for one label. Cases do not differ.
    """
    label, rest = ("[^./]+", host_path[1:]) if is_wildcard(host_path) else ("", host_path)
    return f'"~*^{expression(before)}{label}{expression(rest)}"'


def order(host_path: str) -> tuple[bool, int, str]:
    """Return the place of a host and path: exact hosts before wildcards, longer ones before shorter ones."""
    return is_wildcard(host_path), -len(host_path), host_path


def is_below(host_path: str, other: str) -> bool:
    """Return whether every request of a host and path is one of another."""
    host, path = host_path.split("/", 1)
    other_host, other_path = other.split("/", 1)
    return covers(other_host, host) and path.startswith(other_path)


class LookupTable:
    """All routes of a server as nginx looks them up: the longest host and path that a request begins with.

    Exact hosts precede wildcards.

    A host and path counts for users when the live color has it, or when its stack has no live color. Where it does not
    count, the next shorter one does, which may belong to another stack.
    """

    def __init__(
        self, routes: t.Mapping[RouteKey, str], options: t.Mapping[RouteKey, RouteOptions] | None = None
    ) -> None:
        """Take the routes of a state, and their options."""
        self.known = routes
        longest_first = sorted(routes.items(), key=lambda item: (order(item[0][2]), item[0]))
        self.routes = [
            NumberedRoute(number, route, service, (options or {}).get(route, NO_OPTIONS))
            for number, (route, service) in enumerate(longest_first, 1)
        ]
        self.owner = {host_path: key for key, _color, host_path in routes}
        # Longer ones first: nginx takes the first expression that matches.
        self.host_paths = sorted(self.owner, key=order)
        self.number = {host_path: number for number, host_path in enumerate(self.host_paths, 1)}

    def next(self, host_path: str, color: str) -> str | None:
        """Return the host and path to try instead, where a live color does not have this one."""
        key = self.owner[host_path]
        for other in self.host_paths[self.number[host_path] :]:
            if is_below(host_path, other) and (self.owner[other] != key or (key, color, other) in self.known):
                return other
        return None

    def instead(self) -> dict[tuple[str, str], str | None]:
        """Return the host and path to try next, for each one that a color does not have."""
        return {
            (host_path, color): self.next(host_path, color)
            for host_path in self.host_paths
            for color in names.COLORS
            if (self.owner[host_path], color, host_path) not in self.known
        }

    def depth(self) -> int:
        """Return how many stacks nginx may have to try until it knows the stack of a request."""
        depth = dict.fromkeys(self.host_paths, 1)
        for (host_path, _color), other in reversed(self.instead().items()):
            if other and self.owner[other] != self.owner[host_path]:
                depth[host_path] = max(depth[host_path], 1 + depth[other])
        return max(depth.values(), default=1)

    def maps(self) -> str:
        """Return the map blocks for requests of users, and for requests with a preview key."""
        number = self.number
        return "\n".join(
            [
                self.scopes(),
                variable("$sy_host_path", "$sy_first", [(pattern(each), f'"{number[each]}"') for each in number]),
                variable(
                    "$sy_number", "$sy_owner", [(f'"{number[each]}"', quoted(self.owner[each])) for each in number]
                ),
                variable(
                    '"$sy_number:$sy_live"',
                    "$sy_next",
                    [
                        (f'"{number[host_path]}:{color}"', f'"{number[other] if other else ""}"')
                        for (host_path, color), other in self.instead().items()
                    ],
                    default="$sy_number",
                ),
                variable(
                    '"$sy_asked_color:$sy_host_path"',
                    "$sy_preview_stack",
                    [(pattern(route.host_path, f"{route.color}:"), quoted(route.key)) for route in self.routes],
                ),
                variable(
                    '"$sy_stack:$sy_color:$sy_host_path"',
                    "$sy_route",
                    [
                        (pattern(route.host_path, f"{route.key}:{route.color}:"), f'"{route.number}"')
                        for route in self.routes
                    ],
                ),
                variable(
                    "$sy_route", "$sy_service", [(f'"{route.number}"', quoted(route.service)) for route in self.routes]
                ),
            ]
        )

    def scopes(self) -> str:
        """Return the map to the scope of a host; see ``request_form.py``."""
        entries = [
            (pattern(host)[:-1] + '$"' if is_wildcard(host) else quoted(host), scope)
            for host, scope in scopes(self.owner).items()
        ]
        return variable("$host", "$sy_scope", entries)

    def lookup(self) -> str:
        """Return the directives that find the stack of a request, and its live color."""
        lines = ["set $sy_number $sy_first;"]
        for _level in range(self.depth()):
            lines += [
                "set $sy_stack $sy_owner;",
                'set $sy_flags "";',
                f"if (-f {CONFIG_ROOT}/flags/$sy_stack.live) {{ set $sy_flags blue; }}",
                f'if (-f {CONFIG_ROOT}/flags/$sy_stack.green) {{ set $sy_flags "${{sy_flags}}green"; }}',
                "set $sy_live $sy_flagged;",
                "set $sy_number $sy_next;",
            ]
        return "\n".join([*lines, "set $sy_stack $sy_owner;", ""])
