# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a proxy (routes, live colors, weights, availability), and a planned change of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .. import names as names_module
from ..engine.host_ports import ADDRESS
from .route_options import NO_OPTIONS, RouteOptions


@dataclass(frozen=True)
class Route:
    """A host name and a path prefix that lead to a port of a service, with their options."""

    service: str
    port: int
    host: str
    path: str
    options: RouteOptions = NO_OPTIONS

    @property
    def address(self) -> str:
        """The host and path as proxies compare them: in lower case: applications may ignore the case."""
        return (self.host + self.path).lower()


@dataclass(frozen=True)
class StaticFiles:
    """A host name and a path prefix at which the proxy serves the files of a volume, whichever color is live."""

    volume: str
    host: str
    path: str

    @property
    def address(self) -> str:
        """The host and path in lower case; see Route."""
        return (self.host + self.path).lower()

    @property
    def service(self) -> str:
        """The value in ProxyState.routes instead of a service; the name of a service has no colon."""
        return f"volume:{self.volume}"


@dataclass(frozen=True)
class StackRoutes:
    """All routes of one stack, with the number of containers per service.

    ``ports`` has the host ports of one color, for a proxy that runs on the server itself.
    """

    project: str
    environment: str
    stack: str
    routes: tuple[Route, ...]
    replicas: t.Mapping[str, int] = field(default_factory=dict)
    static: tuple[StaticFiles, ...] = ()
    ports: t.Mapping[str, t.Sequence[int]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key under which the proxy knows the stack."""
        return names_module.stack_key(self.project, self.stack, self.environment)

    def server(self, service: str, color: str) -> str:
        """Return the DNS name of a color of a service."""
        return names_module.container(self.project, self.stack, service, self.environment, color)

    def published(self, service: str) -> list[str]:
        """Return the addresses at which a service of the color is published; none before its first release."""
        return [f"{ADDRESS}:{port}" for port in self.ports.get(service, ())]

    def services(self) -> dict[str, int]:
        """Return the routed services with their ports, in the order of the routes."""
        return {route.service: route.port for route in self.routes}


# The key of a stack, a color, and a host with its path.
RouteKey = tuple[str, str, str]


@dataclass(frozen=True)
class ProxyState:
    """The state of a running proxy: the live color per stack, and the service per route.

    Each color has its own routes, those of its release; users get a new release's routes with the switch. ``weights``
    has the percent of a stack's clients that the idle color serves. ``availability`` has the stacks that are not
    available: with ``maintenance`` users get a page, with ``held`` their requests wait. ``in_sync`` is whether the
    running process uses all of it.
    """

    live: t.Mapping[str, str] = field(default_factory=dict)
    routes: t.Mapping[RouteKey, str] = field(default_factory=dict)
    weights: t.Mapping[str, int] = field(default_factory=dict)
    availability: t.Mapping[str, str] = field(default_factory=dict)
    in_sync: bool = True

    def stack_of_route(self, host_path: str) -> str | None:
        """Return the key of the stack that has a host and path on one of its colors."""
        return next((key for key, _color, other in self.routes if other == host_path), None)

    def routes_of(self, key: str, color: str | None) -> dict[str, str]:
        """Return the routes of a color: the service per host and path."""
        return {host_path: service for (*of, host_path), service in self.routes.items() if of == [key, color]}

    def known_stacks(self) -> set[str]:
        """Return the keys of all stacks that the proxy knows."""
        return {*self.live, *self.weights, *self.availability, *(key for key, _color, _host_path in self.routes)}

    def with_routes(self, routing: StackRoutes, color: str) -> ProxyState:
        """Return the state in which a color has exactly these routes."""
        others = {route: service for route, service in self.routes.items() if route[:2] != (routing.key, color)}
        new: tuple[Route | StaticFiles, ...] = (*routing.routes, *routing.static)
        own = {(routing.key, color, route.address): route.service for route in new}
        return replace(self, routes={**others, **own}, in_sync=True)

    def with_live(self, key: str, color: str | None) -> ProxyState:
        """Return the state in which a color is live, without a canary; None leaves the stack without a live color.

        Requests that were held continue; a maintenance page stays.
        """
        live, weights = _with_value(self.live, key, color), _with_value(self.weights, key, None)
        resumed = self.with_availability([key], None) if self.availability.get(key) == "held" else self
        return replace(resumed, live=live, weights=weights, in_sync=True)

    def with_weight(self, key: str, percent: int) -> ProxyState:
        """Return the state in which the idle color serves a percentage of a stack's clients."""
        return replace(self, weights=_with_value(self.weights, key, percent or None), in_sync=True)

    def with_availability(self, keys: t.Iterable[str], availability: str | None) -> ProxyState:
        """Return the state in which stacks are set to ``maintenance`` or ``held``, or are available with None."""
        changed = dict(self.availability)
        for key in keys:
            changed = _with_value(changed, key, availability)
        return replace(self, availability=changed, in_sync=True)

    def without(self, key: str) -> ProxyState:
        """Return the state in which the proxy does not know a stack."""
        routes = {route: service for route, service in self.routes.items() if route[0] != key}
        return replace(self.with_live(key, None).with_availability([key], None), routes=routes)


Value = t.TypeVar("Value")


def _with_value(mapping: t.Mapping[str, Value], key: str, value: Value | None) -> dict[str, Value]:
    """Return a mapping in which a key has a value, or is missing with None."""
    others = {name: other for name, other in mapping.items() if name != key}
    return others if value is None else {**others, key: value}


@dataclass(frozen=True)
class ProxyPlan:
    """A planned change: the state before and after, and the configuration files that change with it.

    A file whose content is None is removed.
    """

    before: ProxyState
    after: ProxyState
    files: t.Mapping[str, str | None] = field(default_factory=dict)
    files_before: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the plan changes anything."""
        return self.before != self.after or dict(self.files) != dict(self.files_before)
