# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One interface for every proxy: read, plan, apply, confirm, in_flight, stats.

``read`` asks the running process, never a file. ``plan`` is pure. ``apply`` writes the files first and then tells
the running process, so that a restart at any moment comes back with the old or the new state, whole.
"""

from __future__ import annotations

import abc
import http.client
import json
import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import atomic_file
from .. import names as names_module
from ..engine.host_ports import ADDRESS
from ..errors import SwitchyardError
from .route_options import NONE, Equipment, Rules


@dataclass(frozen=True)
class Route:
    """A way in: a host name and a path prefix that lead to a port of a service, and what holds on this way."""

    service: str
    port: int
    host: str
    path: str
    rules: Rules = NONE


@dataclass(frozen=True)
class Static:
    """A way in that leads to the files of a volume; the proxy itself answers, whatever color is live."""

    volume: str
    host: str
    path: str

    @property
    def service(self) -> str:
        """What stands in the state instead of a service; a service's name has no colon."""
        return f"volume:{self.volume}"


@dataclass(frozen=True)
class Routing:
    """All routes of one stack, and where each color of a routed service answers.

    ``ports`` are those on which one color is published, where the proxy runs on the server itself.
    """

    project: str
    environment: str
    stack: str
    routes: tuple[Route, ...]
    replicas: t.Mapping[str, int] = field(default_factory=dict)
    static: tuple[Static, ...] = ()
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
Way = tuple[str, str, str]


@dataclass(frozen=True)
class State:
    """What a running proxy does: the live color per stack, and the service behind each way in.

    Each color has routes of its own, those of the release that stands on it: what the next release adds or drops
    reaches the public with the switch and not before. ``weights`` is the percent of a stack's clients that get the
    color which is not live. ``closed`` has the stacks that answer nobody: ``maintenance`` shows a page, ``hold`` lets
    requests wait. ``settled`` says that the proxy has all of it in use.
    """

    live: t.Mapping[str, str] = field(default_factory=dict)
    routes: t.Mapping[Way, str] = field(default_factory=dict)
    weights: t.Mapping[str, int] = field(default_factory=dict)
    closed: t.Mapping[str, str] = field(default_factory=dict)
    settled: bool = True

    def owner(self, address: str) -> str | None:
        """Return the key of the stack that has a host and path, on whichever color."""
        return next((key for key, _color, at in self.routes if at == address), None)

    def of(self, key: str, color: str | None) -> dict[str, str]:
        """Return the routes of a color: the service per host and path."""
        return {at: service for (owner, on, at), service in self.routes.items() if (owner, on) == (key, color)}

    def with_routes(self, routing: Routing, color: str) -> State:
        """Return the state in which a color has exactly these routes."""
        others = {way: service for way, service in self.routes.items() if way[:2] != (routing.key, color)}
        ways: tuple[Route | Static, ...] = (*routing.routes, *routing.static)
        mine = {(routing.key, color, way.host + way.path): way.service for way in ways}
        return replace(self, routes={**others, **mine}, settled=True)

    def with_live(self, key: str, color: str | None) -> State:
        """Return the state in which a color is live, all of it; None takes the stack off the public.

        Requests that were held go on to it; a maintenance page stays.
        """
        live, weights = _put(self.live, key, color), _put(self.weights, key, None)
        open_again = self.with_closed([key], None) if self.closed.get(key) == "hold" else self
        return replace(open_again, live=live, weights=weights, settled=True)

    def with_weight(self, key: str, percent: int) -> State:
        """Return the state in which the color that is not live answers a percentage of a stack's clients."""
        return replace(self, weights=_put(self.weights, key, percent or None), settled=True)

    def known(self) -> set[str]:
        """Return the keys of all stacks that the proxy knows."""
        return {*self.live, *self.weights, *self.closed, *(key for key, _color, _address in self.routes)}

    def without(self, key: str) -> State:
        """Return the state in which the proxy knows nothing of a stack."""
        routes = {way: service for way, service in self.routes.items() if way[0] != key}
        return replace(self.with_live(key, None).with_closed([key], None), routes=routes)

    def with_closed(self, keys: t.Iterable[str], how: str | None) -> State:
        """Return the state in which stacks are closed, or open again with None."""
        closed = dict(self.closed)
        for key in keys:
            closed = _put(closed, key, how)
        return replace(self, closed=closed, settled=True)


Value = t.TypeVar("Value")


def _put(mapping: t.Mapping[str, Value], key: str, value: Value | None) -> dict[str, Value]:
    """Return a mapping with a value put in, or taken out with None."""
    others = {name: other for name, other in mapping.items() if name != key}
    return others if value is None else {**others, key: value}


@dataclass(frozen=True)
class Plan:
    """What will be different: the state before and after, and the configuration files that change with it.

    A file whose content is None goes away.
    """

    before: State
    after: State
    files: t.Mapping[str, str | None] = field(default_factory=dict)
    files_before: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after or dict(self.files) != dict(self.files_before)


class Proxy(abc.ABC):
    """A running proxy on this server."""

    # The proxy's own part of its configuration, a file in its folder ``conf.d``.
    own_file: t.ClassVar[str]
    # Whether it answers with the files of a volume.
    serves_files: bool = False

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any]) -> None:
        """Take the folder that the role ``proxy`` made, and what it wrote in ``proxy.json``."""
        self.folder = folder
        self.address = str(settings["address"])
        self.port = int(settings["port"])
        self.equipment = Equipment.of(settings)
        # The first and the last port on which colors are published; None where Docker's DNS finds the containers.
        self.ports: tuple[int, int] | None = tuple(settings["ports"]) if settings.get("ports") else None

    @staticmethod
    def cannot(rules: Rules) -> list[tuple[str, str]]:
        """Return what this kind of proxy cannot do of a route's rules: the key in the inventory, and a sentence."""
        return []

    def volumes(self) -> t.Collection[str]:
        """Return the volumes whose files it can answer with now."""
        return ()

    def first_files(self) -> dict[str, str]:
        """Return the files that must lie in ``conf.d`` for the first start, besides the proxy's own."""
        return {}

    def own_files(self, content: str) -> dict[str, str]:
        """Return the files in ``conf.d`` that are the role's; ``content`` is that of the one with a template."""
        return {self.own_file: content}

    def write(self, path: Path, content: str | None) -> None:
        """Write a file of the configuration that the proxy can read, and nobody else what is secret; None: no file."""
        atomic_file.put(path, content)

    @abc.abstractmethod
    def read(self) -> State:
        """Return what the running process does now. Raises SwitchyardError when it does not answer."""

    @abc.abstractmethod
    def plan_routes(self, state: State, routing: Routing, color: str) -> Plan:
        """Return what it takes for a color to have exactly these routes; none at all when there is no route."""

    @abc.abstractmethod
    def files_of(self, key: str) -> list[str]:
        """Return the names of the files in ``conf.d`` that only one stack has, there or not."""

    def plan_forget(self, state: State, key: str) -> Plan:
        """Return what it takes for the proxy to know nothing of a stack, on any color."""
        contents = {name: atomic_file.read(self.folder / "conf.d" / name) for name in self.files_of(key)}
        there = {name: content for name, content in contents.items() if content is not None}
        return Plan(state, state.without(key), dict.fromkeys(there), there)

    @staticmethod
    def plan_switch(state: State, key: str, color: str | None) -> Plan:
        """Return what it takes for ``color`` to be live; None takes the stack off the public."""
        return Plan(before=state, after=state.with_live(key, color))

    @staticmethod
    def plan_weight(state: State, key: str, percent: int) -> Plan:
        """Return what it takes for the color that is not live to answer ``percent`` of the clients; 0 for none."""
        return Plan(before=state, after=state.with_weight(key, percent))

    @staticmethod
    def plan_closed(state: State, keys: t.Iterable[str], how: str | None) -> Plan:
        """Return what it takes to close stacks, with ``maintenance`` or ``hold``; None opens them."""
        return Plan(before=state, after=state.with_closed(keys, how))

    def strangers(self, state: State) -> list[str]:
        """Return the files in ``conf.d`` that neither the role nor a release of a stack that it knows has written."""
        releases = {name for key in state.known() for name in self.files_of(key)}
        ours = {*self.own_files(""), *self.first_files(), *releases}
        folder = self.folder / "conf.d"
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        return sorted(name for name in names if name not in ours and not name.startswith("."))

    @abc.abstractmethod
    def complaint(self) -> str | None:
        """Return what the proxy would say if it loaded the files that lie in ``conf.d`` now; None where they are good.

        A proxy that runs does not notice a file that was put there, but no change gets past it, and no restart.
        """

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

    def request(
        self, host: str, path: str, color: str | None = None, timeout: float = 5.0, public: bool = False
    ) -> tuple[int, str | None, str]:
        """Ask through the public way in; return the status, the color that answered and the start of the body.

        With ``color`` the request goes to that color whether it is live or not. With ``public`` it comes without the
        key and with ``X-Switchyard-As: public``: it is answered as anybody's would be, also where this server's own
        address is an insider's, and tells no color. Raises OSError.
        """
        headers = {"Host": host, "Connection": "close"}
        headers.update({"X-Switchyard-As": "public"} if public else {"X-Switchyard-Key": self.key()})
        if color:
            headers["X-Switchyard-Color"] = color
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode("utf-8", "replace")
            return answer.status, answer.getheader("X-Switchyard-Color"), body
        except http.client.HTTPException as error:
            raise OSError(f"no HTTP answer: {error!r}") from error
        finally:
            connection.close()

    @staticmethod
    def access_line(text: str) -> dict[str, t.Any] | None:
        """Return one line of the proxy's log as time, stack, route, color, status, ms, bytes and id; None for others.

        This one is for proxies that write these fields themselves.
        """
        try:
            line = json.loads(text)
        except ValueError:
            return None
        return line if isinstance(line, dict) and {"time", "stack", "status"} <= line.keys() else None

    def key(self) -> str:
        """Return the secret that opens the private way in; made by the role, 0600."""
        key = atomic_file.read(self.folder / "private.key")
        if not key:
            raise SwitchyardError(f"{self.folder}/private.key is missing. Run setup.yml.")
        return key.strip()

    def private(self) -> dict[str, tuple[str, str]]:
        """Return the header and its secret value per environment: they open the private way in to its stacks alone."""
        given = atomic_file.read_json(self.folder / "private.json") or {}
        return {environment: (one["header"], one["value"]) for environment, one in given.items()}
