# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy: live colors and routes are map files; a switch is one commit of a map, new backends are one reload."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ... import atomic_file, names
from ...errors import SwitchyardError
from ..driver import Files, Proxy
from ..layout import CONFIG_ROOT, stack_file
from ..map_file import map_text
from ..route_options import RouteOptions
from ..state import ProxyPlan, ProxyState, StackRoutes
from . import route_options
from .config import USERS, backend, configuration, userlist
from .maps import maps_of, state_of
from .master import RELOAD_TIMEOUT, Master

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine


def backends_in(configurations: Files) -> set[str]:
    """Return the names of the backends in configuration files."""
    texts = filter(None, configurations.values())
    return {name for text in texts for name in re.findall(r"^backend (\S+)", text, re.MULTILINE)}


class HAProxy(Proxy):
    """An HAProxy that the role ``proxy`` set up."""

    own_file = "00-proxy.cfg"
    suffixes = (".cfg",)
    secret_files = frozenset({USERS})

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        super().__init__(folder, settings, engine)
        self.master = Master(lambda: self.run, self.process.log_command)

    @property
    def run(self) -> Path:
        """The folder with the sockets of the process."""
        return self.folder / "run"

    @property
    def gates_socket(self) -> Path:
        """The socket for the requests of releases; see Proxy."""
        return self.run / "gates.sock"

    @staticmethod
    def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
        """Return the options that HAProxy does not support; see Proxy."""
        return route_options.unsupported_options(options)

    def own_files(self, content: str) -> dict[str, str]:
        """Return the role's files: its configuration, and the user lists, since HAProxy reads no htpasswd file."""
        lists = [
            userlist(name, atomic_file.read(self.folder / "users" / f"{name}.htpasswd") or "")
            for name in self.capabilities.users
        ]
        title = "# The users of this server. Written by the role switchyard.stacks.proxy; changes here are lost.\n"
        return {**super().own_files(content), USERS: "\n".join([title, *lists])}

    def files_of(self, key: str) -> list[str]:
        """Return a file per color; see Proxy."""
        return [stack_file(key, "cfg", color) for color in names.COLORS]

    def read(self) -> ProxyState:
        """Return the state in the maps that the current worker uses."""
        return state_of(self.master.maps(self.master.workers()[0]))

    def in_flight(self, key: str, color: str) -> int:
        """Return the sessions of a color's backends in all workers (``show stat``, field ``scur``)."""
        return sum(int(row["scur"] or 0) for row in self._rows(key, color) if row["svname"] == "BACKEND")

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return status, requests in flight, requests and connection errors per server of a color."""
        return {
            f"{row['# pxname']}/{row['svname']}": {
                "status": row["status"],
                "in_flight": int(row["scur"] or 0),
                "requests": int(row["stot"] or 0),
                "connection_errors": int(row["econ"] or 0),
            }
            for row in self._rows(key, color)
        }

    def _rows(self, key: str, color: str) -> list[dict[str, str]]:
        own = re.compile(rf"{re.escape(key)}_.+_{color}\Z")
        return [row for row in self.master.rows() if own.match(row["# pxname"])]

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return the plan that gives a color its routes and backends; see Proxy."""
        name = stack_file(routing.key, "cfg", color)
        current = atomic_file.read(self.config_folder / name)
        return ProxyPlan(
            before=state,
            after=state.with_routes(routing, color),
            files={name: configuration(routing, color, published=self.ports is not None)},
            files_before={name: current} if current is not None else {},
        )

    def check_staged(self, files: Files) -> str | None:
        """Return what ``haproxy -c`` reports; see Proxy."""
        code, output = self.process.run(["haproxy", "-c", "-f", f"{CONFIG_ROOT}/staged"])
        return output if code else None

    def prepare_load(self, plan: ProxyPlan) -> None:
        """Write what a new worker reads: the maps, and the servers' addresses, without which it starts with none.

        Backends that change are left out of the latter, since it also has their ports.
        """
        self._write_maps(plan.after)
        changing = {*backends_in(plan.files), *backends_in(plan.files_before)}
        atomic_file.write(self.run / "servers.state", self.master.servers(changing))

    def load(self, plan: ProxyPlan, files: Files) -> None:
        """Reload; the master answers when the new worker runs."""
        answer = self.master.ask("reload", timeout=RELOAD_TIMEOUT)
        if not answer.startswith("Success=1"):
            raise SwitchyardError(answer)

    def cancel_load(self, plan: ProxyPlan) -> None:
        """Write the maps from before."""
        self.forget_addresses()
        self._write_maps(plan.before)

    def finish_load(self, plan: ProxyPlan) -> None:
        """Let the old workers pass their last requests on."""
        self.forget_addresses()
        self.master.hand_over(self.master.workers()[1:], plan.before)

    def forget_addresses(self) -> None:
        """Remove the servers' addresses: a proxy that starts later must not use them, Docker gives them to others."""
        (self.run / "servers.state").unlink(missing_ok=True)

    def activate(self, state: ProxyState) -> None:
        """Write the map files and replace the maps of the running process."""
        self._write_maps(state)
        self.master.set_maps(state)

    def _write_maps(self, state: ProxyState) -> None:
        for name, entries in maps_of(state).items():
            atomic_file.write(self.folder / "maps" / f"{name}.map", map_text(entries))

    def set_server_addresses(self, routing: StackRoutes, color: str, addresses: t.Mapping[str, str]) -> None:
        """Set the addresses of services with one container; DNS updates them afterwards.

        A published service keeps its port, so nothing changes.
        """
        if self.ports:
            return
        worker = self.master.workers()[0]
        for service, address in addresses.items():
            if routing.replicas.get(service, 1) == 1:
                server = f"{backend(routing.key, service, color)}/{service}1"
                self.master.ask(f"set server {server} addr {address} port {routing.services()[service]}", worker)
