# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy: decisions are map files, a switch is one commit of a map, new routes are one reload.

Commands go to the master's socket (management guide, 9.4 "Master CLI"), which passes them to each worker. After a
reload the old worker still answers the last request of its idle connections. A server that comes up later stays down
for it (measured, 3.0: "Proxy is disabled"), so it is told to pass these requests on to the current worker.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import socket
import time
import typing as t
from pathlib import Path

from ... import atomic_file, names
from ...errors import SwitchyardError
from ..driver import Proxy
from ..process import process_for
from ..route_options import RouteOptions
from ..state import ProxyPlan, ProxyState, StackRoutes
from . import route_options
from .config import USERS, backend, configuration, userlist
from .maps import INSIDE, MAPS, OLD_WORKER, map_text, maps_of, parse_map, state_of

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine


# The backends in which it does.
HANDOVER = frozenset({"handover", "handover-https"})
SOCKET_TIMEOUT = 5.0

# So long a master that starts anew is waited for.
REJECTION = 2.0

# The master answers when the new worker has read everything, certificates too.
RELOAD_TIMEOUT = 60.0

# Seconds in which the master hears that a worker has ended.
ENDING_LIMIT = 2.0
POLL = 0.05


def parse_processes(answer: str) -> list[str]:
    """Return the numbers of all workers in ``show proc``, the current one first, then those that are finishing."""
    return [row[0] for row in map(str.split, answer.splitlines()) if len(row) > 1 and row[1] == "worker"]


def backends_in(configurations: t.Mapping[str, str | None]) -> set[str]:
    """Return the names of the backends in configuration files."""
    texts = filter(None, configurations.values())
    return {name for text in texts for name in re.findall(r"^backend (\S+)", text, re.MULTILINE)}


def _connect(connection: socket.socket, path: str) -> None:
    """Connect to the master. When an old worker has ended it starts anew, and refuses everybody for a moment."""
    end = time.monotonic() + REJECTION
    while True:
        try:
            return connection.connect(path)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class HAProxy(Proxy):
    """The HAProxy that the role ``proxy`` put under ``folder``."""

    own_file = "00-proxy.cfg"

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        """Take the role's folder and its settings, and the engine of the server."""
        super().__init__(folder, settings)
        self.running = process_for(settings, engine)
        self.uid = settings.get("uid")

    def own_files(self, content: str) -> dict[str, str]:
        """Return the role's configuration, and the users in HAProxy's form: it reads no htpasswd; see the interface."""
        lists = [
            userlist(name, atomic_file.read(self.folder / "users" / f"{name}.htpasswd") or "")
            for name in self.capabilities.users
        ]
        title = "# The users of this server. Written by the role switchyard.stacks.proxy; changes here are lost.\n"
        return {**super().own_files(content), USERS: "\n".join([title, *lists])}

    def write(self, path: Path, content: str | None) -> None:
        """Write a configuration file; see the interface. The users are nobody else's to read."""
        if path.name == USERS and content is not None:
            atomic_file.write(path, content, 0o600, self.uid)
        else:
            atomic_file.write_or_remove(path, content)

    @staticmethod
    def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
        """Return what HAProxy cannot do of a route's options; see the interface."""
        return route_options.unsupported_options(options)

    @property
    def run(self) -> Path:
        """The folder with the sockets of the process."""
        return self.folder / "run"

    def _alone(self) -> None:
        """Raise SwitchyardError where another process serves beside this one, and would not hear of a change."""

    # --- what the running process says ---

    def ask(self, command: str, worker: str | None = None, timeout: float = SOCKET_TIMEOUT) -> str:
        """Return the answer of the master, or of one of its workers, to a command.

        Raises SwitchyardError when nobody answers.
        """
        line = f"@!{worker} {command}" if worker else command
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(timeout)
                _connect(connection, str(self.run / "master.sock"))
                connection.sendall(f"{line}\n".encode())
                connection.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError as error:
            raise SwitchyardError(
                f"The proxy does not answer on {self.run}/master.sock ({error}). "
                f"Look at its log with '{self.running.log_command}', then run setup.yml."
            ) from error
        return answer.decode("utf-8", "replace").strip()

    def workers(self) -> list[str]:
        """Return the process numbers of the workers, the current one first."""
        found = parse_processes(self.ask("show proc"))
        if not found:
            raise SwitchyardError("The proxy's master runs no worker. Look at its log, then run setup.yml.")
        return found

    def read(self) -> ProxyState:
        """Return the maps that the current worker uses."""
        return state_of(self._maps(self.workers()[0]))

    def _maps(self, worker: str) -> dict[str, dict[str, str]]:
        return {name: parse_map(self.ask(f"show map {INSIDE}/maps/{name}.map", worker)) for name in MAPS}

    def in_flight(self, key: str, color: str) -> int:
        """Return the sessions of a color's backends in all workers (``show stat``, field ``scur``)."""
        return sum(int(row["scur"] or 0) for row in self._rows(key, color) if row["svname"] == "BACKEND")

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return status, sessions and connection errors per server of a color."""
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
        mine = re.compile(rf"{re.escape(key)}_.+_{color}\Z")
        return [
            row
            for worker in self.workers()
            for row in csv.DictReader(io.StringIO(self.ask("show stat", worker)))
            if mine.match(row["# pxname"])
        ]

    # --- what should be ---

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return the plan that gives a color its routes and backends; see the interface."""
        name = f"50-{routing.key}-{color}.cfg"
        current = atomic_file.read(self.folder / "conf.d" / name)
        return ProxyPlan(
            before=state,
            after=state.with_routes(routing, color),
            files={name: configuration(routing, color, published=self.ports is not None)},
            files_before={name: current} if current is not None else {},
        )

    def files_of(self, key: str) -> list[str]:
        """Return a name per color; see the interface."""
        return [f"50-{key}-{color}.cfg" for color in names.COLORS]

    # --- making it so ---

    def apply(self, change: t.Callable[[ProxyState], ProxyPlan]) -> ProxyPlan:
        """Plan and carry out, alone on this server; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            self._alone()
            plan = change(self.read())
            if dict(plan.files) != dict(plan.files_before):
                self._configure(plan)
            if plan.changed:
                self._write_maps(plan.after)
                try:
                    self._set_maps(plan.after)
                except SwitchyardError:
                    self._write_maps(plan.before)
                    with contextlib.suppress(SwitchyardError):
                        self._set_maps(plan.before)
                    raise
            return plan

    def _configure(self, plan: ProxyPlan) -> None:
        """Put new configuration files in place and reload; the files before are back when the proxy refuses."""
        live = self.folder / "conf.d"
        complaint = self._try(plan.files)
        if complaint:
            raise SwitchyardError(f"The proxy refuses the new configuration, the old one stays: {complaint}")
        # The maps name what the new configuration has, so they go first: a worker that starts reads both.
        self._write_maps(plan.after)
        for name, content in plan.files.items():
            self.write(live / name, content)
        self._save_servers({*backends_in(plan.files), *backends_in(plan.files_before)})
        answer = self.ask("reload", timeout=RELOAD_TIMEOUT)
        if not answer.startswith("Success=1"):
            for name in plan.files:
                self.write(live / name, plan.files_before.get(name))
            self._write_maps(plan.before)
            raise SwitchyardError(f"The proxy refused the reload, the old configuration is back: {answer}")
        self._pass_on(self.workers()[1:], plan.before)

    def _try(self, contents: t.Mapping[str, str | None]) -> str | None:
        """Return what HAProxy says of its files with these changes; None where they are good."""
        live, staged = self.folder / "conf.d", self.folder / "staged"
        for old in staged.glob("*.cfg"):
            old.unlink()
        for path in live.glob("*.cfg"):
            self.write(staged / path.name, path.read_text(encoding="utf-8"))
        for name, content in contents.items():
            self.write(staged / name, content)
        code, words = self.running.run(["haproxy", "-c", "-f", f"{INSIDE}/staged"])
        return words if code else None

    def validate_config(self) -> str | None:
        """Return what HAProxy says of its files; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            words = self._try({})
        return words and words.replace(f"{INSIDE}/staged", str(self.folder / "conf.d"))

    def servers(self, changing: t.Iterable[str] = ()) -> str:
        """Return the servers' addresses in the form of a ``server-state-file``, without some backends.

        Management guide, 9.3, ``show servers state``: the second field is the backend's name.
        """
        lines = self.ask("show servers state", self.workers()[0]).splitlines()
        left_out = HANDOVER.union(changing)
        return "".join(f"{line}\n" for line in lines if left_out.isdisjoint(line.split()[1:2]))

    def _save_servers(self, changing: t.Iterable[str]) -> None:
        """Keep the servers' addresses for the next worker: without them, it starts with none.

        A backend that changes is left out, because the ports are kept as well.
        """
        atomic_file.write(self.run / "servers.state", self.servers(changing))

    def _write_maps(self, state: ProxyState) -> None:
        for name, entries in maps_of(state).items():
            atomic_file.write(self.folder / "maps" / f"{name}.map", map_text(entries))

    def _set_maps(self, state: ProxyState) -> None:
        """Replace the maps of the current worker, each in one commit; the former ones pass their requests on to it."""
        current, *former = self.workers()
        self._set_maps_of(current, state)
        self._pass_on(former, state)

    def _pass_on(self, former: t.Iterable[str], state: ProxyState) -> None:
        """Tell former workers to pass their last requests on; one that cannot gets the maps itself."""
        for worker in former:
            try:
                entries = self.ask(f"show map {OLD_WORKER}", worker)
                if entries.startswith("0x"):
                    continue
                if entries:
                    # It was started before the role's configuration knew of this.
                    self._set_maps_of(worker, state)
                else:
                    self._expect_silence(f"add map {OLD_WORKER} worker yes", worker)
            except SwitchyardError:
                # A worker that finishes its last requests may end between two commands.
                if not self._ends(worker):
                    raise

    def _ends(self, worker: str) -> bool:
        """Return whether a former worker is gone: the master lists one that has ended until it hears of it."""
        end = time.monotonic() + ENDING_LIMIT
        while worker in (there := self.workers()):
            if worker == there[0] or time.monotonic() > end:
                return False
            time.sleep(POLL)
        return True

    def _set_maps_of(self, worker: str, state: ProxyState) -> None:
        """Replace the maps that differ; most often that is one, so that a switch is one commit."""
        now, wanted = self._maps(worker), maps_of(state)
        for name, entries in ((name, wanted[name]) for name in MAPS if wanted[name] != now[name]):
            path = f"{INSIDE}/maps/{name}.map"
            answer = self.ask(f"prepare map {path}", worker)
            version = re.search(r"New version created: (\d+)\s*\Z", answer)
            if not version:
                raise SwitchyardError(f"The proxy would not prepare {path}: {answer}")
            if entries:
                self._expect_silence(f"add map @{version[1]} {path} <<\n{map_text(entries)}", worker)
            self._expect_silence(f"commit map @{version[1]} {path}", worker)

    def _expect_silence(self, command: str, worker: str) -> None:
        answer = self.ask(command, worker)
        if answer:
            raise SwitchyardError(f"The proxy refused '{command.splitlines()[0]}': {answer}")

    def set_server_addresses(self, routing: StackRoutes, color: str, addresses: t.Mapping[str, str]) -> None:
        """Set the addresses of services with one container; DNS keeps following them afterwards.

        A service that is published is at its port already.
        """
        if self.ports:
            return
        worker = self.workers()[0]
        for service, address in addresses.items():
            if routing.replicas.get(service, 1) == 1:
                server = f"{backend(routing.key, service, color)}/{service}1"
                self.ask(f"set server {server} addr {address} port {routing.services()[service]}", worker)
