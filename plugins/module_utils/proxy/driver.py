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
from pathlib import Path

from .. import atomic_file, paths
from ..errors import SwitchyardError
from .capabilities import ProxyCapabilities
from .route_options import RouteOptions
from .state import ProxyPlan, ProxyState, StackRoutes


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
        self.capabilities = ProxyCapabilities.of(settings)
        # The first and the last port on which colors are published; None where Docker's DNS finds the containers.
        self.ports: tuple[int, int] | None = tuple(settings["ports"]) if settings.get("ports") else None

    @staticmethod
    def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
        """Return what this kind of proxy cannot do of a route's options: the key in the inventory, and a sentence."""
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
        atomic_file.write_or_remove(path, content)

    @abc.abstractmethod
    def read(self) -> ProxyState:
        """Return what the running process does now. Raises SwitchyardError when it does not answer."""

    @abc.abstractmethod
    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return what it takes for a color to have exactly these routes; none at all when there is no route."""

    @abc.abstractmethod
    def files_of(self, key: str) -> list[str]:
        """Return the names of the files in ``conf.d`` that only one stack has, there or not."""

    def plan_forget(self, state: ProxyState, key: str) -> ProxyPlan:
        """Return what it takes for the proxy to know nothing of a stack, on any color."""
        contents = {name: atomic_file.read(self.folder / "conf.d" / name) for name in self.files_of(key)}
        there = {name: content for name, content in contents.items() if content is not None}
        return ProxyPlan(state, state.without(key), dict.fromkeys(there), there)

    @staticmethod
    def plan_switch(state: ProxyState, key: str, color: str | None) -> ProxyPlan:
        """Return what it takes for ``color`` to be live; None takes the stack off the public."""
        return ProxyPlan(before=state, after=state.with_live(key, color))

    @staticmethod
    def plan_weight(state: ProxyState, key: str, percent: int) -> ProxyPlan:
        """Return what it takes for the color that is not live to answer ``percent`` of the clients; 0 for none."""
        return ProxyPlan(before=state, after=state.with_weight(key, percent))

    @staticmethod
    def plan_availability(state: ProxyState, keys: t.Iterable[str], how: str | None) -> ProxyPlan:
        """Return what it takes to close stacks, with ``maintenance`` or ``hold``; None opens them."""
        return ProxyPlan(before=state, after=state.with_availability(keys, how))

    def foreign_files(self, state: ProxyState) -> list[str]:
        """Return the files in ``conf.d`` that neither the role nor a release of a stack that it knows has written."""
        releases = {name for key in state.known_stacks() for name in self.files_of(key)}
        ours = {*self.own_files(""), *self.first_files(), *releases}
        folder = self.folder / "conf.d"
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        return sorted(name for name in names if name not in ours and not name.startswith("."))

    @abc.abstractmethod
    def validate_config(self) -> str | None:
        """Return what the proxy would say if it loaded the files that lie in ``conf.d`` now; None where they are good.

        A proxy that runs does not notice a file that was put there, but no change gets past it, and no restart.
        """

    @abc.abstractmethod
    def apply(self, change: t.Callable[[ProxyState], ProxyPlan]) -> ProxyPlan:
        """Plan from what the proxy does now and carry it out, alone: two releases never overwrite each other.

        Raises SwitchyardError when the proxy refuses; then the state before is back.
        """

    @abc.abstractmethod
    def set_server_addresses(self, routing: StackRoutes, color: str, addresses: t.Mapping[str, str]) -> None:
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
        key and with ``X-Switchyard-Bypass: off``: it is answered as anybody's would be, also where this server's own
        address is an insider's, and tells no color. Raises OSError.
        """
        headers = {"Host": host, "Connection": "close"}
        headers.update({"X-Switchyard-Bypass": "off"} if public else {"X-Switchyard-Key": self.server_key()})
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

    def server_key(self) -> str:
        """Return the secret that opens the private way in; made by the role, 0600."""
        key = atomic_file.read(self.folder / paths.SERVER_PREVIEW_KEY)
        if not key:
            raise SwitchyardError(f"{self.folder}/server-preview.key is missing. Run setup.yml.")
        return key.strip()

    def preview_keys(self) -> dict[str, tuple[str, str]]:
        """Return the header and its secret value per environment: they open the private way in to its stacks alone."""
        given = atomic_file.read_json(self.folder / "preview-keys.json") or {}
        return {environment: (one["header"], one["value"]) for environment, one in given.items()}
