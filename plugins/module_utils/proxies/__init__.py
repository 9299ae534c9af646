# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One interface for every proxy: read, plan, apply, confirm, in_flight, stats.

``read`` asks the running process, never a file. ``plan`` is pure. ``apply`` writes the files first and then tells
the running process, so that a restart at any moment comes back with the old or the new state, whole.
"""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass, field

from .. import names


@dataclass(frozen=True)
class Route:
    """A way in: a host name and a path prefix that lead to a port of a service."""

    service: str
    port: int
    host: str
    path: str


@dataclass(frozen=True)
class Routing:
    """All routes of one stack, and where each color of a routed service answers."""

    project: str
    environment: str
    stack: str
    routes: tuple[Route, ...]
    replicas: t.Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name under which the proxy knows the stack."""
        return names.stack_key(self.project, self.stack, self.environment)

    def server(self, service: str, color: str) -> str:
        """Return the DNS name of a color of a service."""
        return names.container(self.project, service, self.environment, color)

    def services(self) -> dict[str, int]:
        """Return the routed services with their ports, in the order of the routes."""
        return {route.service: route.port for route in self.routes}


@dataclass(frozen=True)
class State:
    """What a running proxy does: the live color per stack, and the stack and service per host and path."""

    live: t.Mapping[str, str] = field(default_factory=dict)
    routes: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What will be different: the state before and after, and the configuration files that change with it."""

    before: State
    after: State
    files: t.Mapping[str, str] = field(default_factory=dict)
    files_before: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after or dict(self.files) != dict(self.files_before)


class Proxy(abc.ABC):
    """A running proxy on this server."""

    @abc.abstractmethod
    def read(self) -> State:
        """Return what the running process does now. Raises SwitchyardError when it does not answer."""

    @abc.abstractmethod
    def plan_routes(self, state: State, routing: Routing) -> Plan:
        """Return what it takes for the proxy to know exactly these routes of the stack."""

    @staticmethod
    def plan_switch(state: State, key: str, color: str | None) -> Plan:
        """Return what it takes for ``color`` to be live; None takes the stack off the public."""
        live = {name: value for name, value in state.live.items() if name != key}
        if color:
            live[key] = color
        return Plan(before=state, after=State(live=live, routes=state.routes))

    @abc.abstractmethod
    def apply(self, change: t.Callable[[State], Plan]) -> Plan:
        """Plan from what the proxy does now and carry it out, alone: two releases never overwrite each other.

        Raises SwitchyardError when the proxy refuses; then the state before is back.
        """

    @abc.abstractmethod
    def aim(self, routing: Routing, color: str, addresses: t.Mapping[str, str]) -> None:
        """Tell the proxy the addresses of a color's services at once, before its own DNS lookup finds them."""

    @abc.abstractmethod
    def in_flight(self, key: str, color: str) -> int:
        """Return the number of requests that a color is answering now."""

    @abc.abstractmethod
    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return the proxy's own view of a color, for a message to a person."""

    @abc.abstractmethod
    def request(
        self, host: str, path: str, color: str | None = None, timeout: float = 5.0
    ) -> tuple[int, str | None, str]:
        """Ask through the public way in; return the status, the color that answered and the start of the body.

        With ``color`` the request goes to that color whether it is live or not. Raises OSError.
        """
