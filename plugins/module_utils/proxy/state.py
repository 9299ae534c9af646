# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy does: routes, live colors, weights, maintenance; and a planned change of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .. import names as names_module
from ..engine.host_ports import ADDRESS
from .route_options import NO_OPTIONS, RouteOptions


@dataclass(frozen=True)
class Route:
    """A way in: a host name and a path prefix that lead to a port of a service, and what holds on this way."""

    service: str
    port: int
    host: str
    path: str
    options: RouteOptions = NO_OPTIONS


@dataclass(frozen=True)
class StaticFiles:
    """A way in that leads to the files of a volume; the proxy itself answers, whatever color is live."""

    volume: str
    host: str
    path: str

    @property
    def service(self) -> str:
        """What stands in the state instead of a service; a service's name has no colon."""
        return f"volume:{self.volume}"


@dataclass(frozen=True)
class StackRoutes:
    """All routes of one stack, and where each color of a routed service answers.

    ``ports`` are those on which one color is published, where the proxy runs on the server itself.
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
        """The name under which the proxy knows the stack."""
        return names_module.stack_key(self.project, self.stack, self.environment)

    def server(self, service: str, color: str) -> str:
        """Return the DNS name of a color of a service."""
        return names_module.container(self.project, service, self.environment, color)

    def published(self, service: str) -> list[str]:
        """Return the addresses at which a service of the color is published; none before its first release."""
        return [f"{ADDRESS}:{port}" for port in self.ports.get(service, ())]

    def services(self) -> dict[str, int]:
        """Return the routed services with their ports, in the order of the routes."""
        return {route.service: route.port for route in self.routes}


# The key of a stack, a color, and a host with a path behind it.
RouteKey = tuple[str, str, str]


@dataclass(frozen=True)
class ProxyState:
    """What a running proxy does: the live color per stack, and the service behind each way in.

    Each color has routes of its own, those of the release that stands on it: what the next release adds or drops
    reaches the public with the switch and not before. ``weights`` is the percent of a stack's clients that get the
    color which is not live. ``availability`` has the stacks that are not available: ``maintenance`` shows a page,
    ``held`` lets requests wait. ``in_sync`` says that the proxy has all of it in use.
    """

    live: t.Mapping[str, str] = field(default_factory=dict)
    routes: t.Mapping[RouteKey, str] = field(default_factory=dict)
    weights: t.Mapping[str, int] = field(default_factory=dict)
    availability: t.Mapping[str, str] = field(default_factory=dict)
    in_sync: bool = True

    def stack_of_route(self, address: str) -> str | None:
        """Return the key of the stack that has a host and path, on whichever color."""
        return next((key for key, _color, at in self.routes if at == address), None)

    def routes_of(self, key: str, color: str | None) -> dict[str, str]:
        """Return the routes of a color: the service per host and path."""
        return {at: service for (owner, on, at), service in self.routes.items() if (owner, on) == (key, color)}

    def with_routes(self, routing: StackRoutes, color: str) -> ProxyState:
        """Return the state in which a color has exactly these routes."""
        others = {way: service for way, service in self.routes.items() if way[:2] != (routing.key, color)}
        ways: tuple[Route | StaticFiles, ...] = (*routing.routes, *routing.static)
        mine = {(routing.key, color, way.host + way.path): way.service for way in ways}
        return replace(self, routes={**others, **mine}, in_sync=True)

    def with_live(self, key: str, color: str | None) -> ProxyState:
        """Return the state in which a color is live, all of it; None takes the stack off the public.

        Requests that were held go on to it; a maintenance page stays.
        """
        live, weights = _with_value(self.live, key, color), _with_value(self.weights, key, None)
        open_again = self.with_availability([key], None) if self.availability.get(key) == "held" else self
        return replace(open_again, live=live, weights=weights, in_sync=True)

    def with_weight(self, key: str, percent: int) -> ProxyState:
        """Return the state in which the color that is not live answers a percentage of a stack's clients."""
        return replace(self, weights=_with_value(self.weights, key, percent or None), in_sync=True)

    def known_stacks(self) -> set[str]:
        """Return the keys of all stacks that the proxy knows."""
        return {*self.live, *self.weights, *self.availability, *(key for key, _color, _address in self.routes)}

    def without(self, key: str) -> ProxyState:
        """Return the state in which the proxy knows nothing of a stack."""
        routes = {way: service for way, service in self.routes.items() if way[0] != key}
        return replace(self.with_live(key, None).with_availability([key], None), routes=routes)

    def with_availability(self, keys: t.Iterable[str], how: str | None) -> ProxyState:
        """Return the state in which stacks are closed, or open again with None."""
        availability = dict(self.availability)
        for key in keys:
            availability = _with_value(availability, key, how)
        return replace(self, availability=availability, in_sync=True)


Value = t.TypeVar("Value")


def _with_value(mapping: t.Mapping[str, Value], key: str, value: Value | None) -> dict[str, Value]:
    """Return a mapping with a value put in, or taken out with None."""
    others = {name: other for name, other in mapping.items() if name != key}
    return others if value is None else {**others, key: value}


@dataclass(frozen=True)
class ProxyPlan:
    """What will be different: the state before and after, and the configuration files that change with it.

    A file whose content is None goes away.
    """

    before: ProxyState
    after: ProxyState
    files: t.Mapping[str, str | None] = field(default_factory=dict)
    files_before: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after or dict(self.files) != dict(self.files_before)
