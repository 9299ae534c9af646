# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx: decisions are empty files that it looks for with each request, so a switch is one file more or less.

Which stack and service a host and path lead to, and the options there, are configuration: new routes are a reload.
Nothing that nginx says of a reload proves it (``-t`` and ``reload`` leave with 0 where the master then refuses), so
the configuration carries a mark that the workers answer with.

The flags of a stack (roles/proxy/templates/nginx.conf.j2 looks for them):

``<key>.live``            a color is live: blue, or green where ``<key>.green`` lies there as well
``<key>.to-green.<n>``    while blue is live, the clients with the number n get green; a weight of 25 is 0 to 24
``<key>.maintenance``     the page is shown
``<key>.held``            requests wait; where nginx has no njs, they get the page as well
"""

from __future__ import annotations

import json
import socket
import time
import typing as t
from contextlib import suppress
from pathlib import Path

from ... import atomic_file, names
from ...engine import sockets
from ...errors import SwitchyardError
from ..driver import Proxy
from ..process import process_for
from ..route_options import RouteOptions
from ..state import ProxyPlan, ProxyState, StackRoutes
from . import route_options
from .config import ROUTES, file_of, full_config, ports_in, published, servers
from .flags import FLAG, INSIDE, flag_changes, flags_of, mark_in, parse_state, state_from_flags
from .preview_keys import KEYS, preview_key_files

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container


# While this flag is there, every answer ends its connection.
CLOSING = "closing"
SOCKET_TIMEOUT = 5.0

# Seconds in which connections end by their own answers before a reload, and in which the reload must be proved.
QUIET = 2.0
LIMIT = 10.0

# nginx tells the old workers to leave 0.1 s after it started the new ones; until then both answer (ngx_reconfigure).
PROOFS = 10
POLL = 0.05
LOG_LINES = 2000


class Nginx(Proxy):
    """The nginx that the role ``proxy`` put under ``folder``."""

    own_file = "00-proxy.conf"

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        """Take the role's folder and its settings, and the engine of the server."""
        super().__init__(folder, settings)
        self.running = process_for(settings, engine)
        # Into a container the role mounts volumes; a unit of the server does not have them.
        self.container = settings.get("container")
        self.serves_files = "unit" not in settings
        self.uid = settings.get("uid")
        self.quiet = float(settings.get("quiet", QUIET))
        self.max_body_size = int(settings.get("max_body_size", 0))
        self.engine = engine

    @staticmethod
    def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
        """Return the options that nginx does not support; see the interface."""
        return route_options.unsupported_options(options)

    def volumes(self) -> t.Collection[str]:
        """Return the volumes that the role mounted."""
        container = self.engine.container(str(self.container))
        return container.volumes if container else ()

    def first_files(self) -> dict[str, str]:
        """Return the configuration without any route."""
        return full_config({}, {}, self.server_key(), self.max_body_size, self.preview_keys())[0]

    def own_files(self, content: str) -> dict[str, str]:
        """Return the role's configuration, and what lets a request with a key in; see the interface."""
        return {**super().own_files(content), **preview_key_files(self.server_key(), self.preview_keys())}

    def write(self, path: Path, content: str | None) -> None:
        """Write a configuration file; see the interface. The digests of keys are nobody else's to read."""
        if path.name == KEYS and content is not None:
            atomic_file.write(path, content, 0o600, self.uid)
        else:
            atomic_file.write_or_remove(path, content)

    # --- what the running process says ---

    def ask(self, path: str) -> str:
        """Return what nginx answers behind its socket. Raises SwitchyardError when it does not."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(SOCKET_TIMEOUT)
                connection.connect(str(self.folder / "run" / "admin.sock"))
                connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")
        except OSError as error:
            raise SwitchyardError(
                f"The proxy does not answer on {self.folder}/run/admin.sock ({error}). "
                f"Look at its log with '{self.running.log_command}', then run setup.yml."
            ) from error
        head, _blank, body = answer.partition("\r\n\r\n")
        if " 200 " not in head.split("\r\n")[0]:
            raise SwitchyardError(f"The proxy answers {path} with {head.splitlines()[:1]}. Run setup.yml.")
        return body

    def flags(self) -> set[str]:
        """Return the flags that nginx finds."""
        return {entry["name"] for entry in json.loads(self.ask("/flags/"))}

    def read(self) -> ProxyState:
        """Return what nginx does: with the routes of the configuration it runs, and the flags it finds now."""
        mark, routes = parse_state(self.ask("/state"))
        return state_from_flags(
            self.flags(), routes, mark == mark_in(atomic_file.read(self.folder / "conf.d" / ROUTES) or "")
        )

    def in_flight(self, key: str, color: str) -> int:
        """Return the connections to a color's containers: nginx opens one per request and has no number of its own."""
        return sum(busy for _container, busy in self._busy(key, color))

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return the state and the connections of a color's containers."""
        return {
            container.name: {"status": container.state, "in_flight": busy} for container, busy in self._busy(key, color)
        }

    def _busy(self, key: str, color: str) -> t.Iterator[tuple[Container, int]]:
        project, stack, environment = key.split(".")
        ports = ports_in(atomic_file.read(self.folder / "conf.d" / file_of(key, color)) or "")
        for one in self.engine.containers(project=project, stack=stack, environment=environment, color=color):
            port = ports.get(one.label("service"))
            if port:
                yield one, sockets.open_to(one.pid, port) if one.pid else 0

    # --- what should be ---

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return the plan that gives a color its routes and servers; see the interface."""
        wanted = {file_of(routing.key, color): servers(routing, color)}
        if self.ports:
            wanted = published(routing, color)
        wanted[file_of(routing.key, color, "json")] = route_options.options_to_json(routing)
        current = {name: atomic_file.read(self.folder / "conf.d" / name) for name in wanted}
        return ProxyPlan(
            before=state,
            after=state.with_routes(routing, color),
            files=wanted,
            # What is on disk counts only while it is what runs.
            files_before={name: text for name, text in current.items() if text is not None and state.in_sync},
        )

    def files_of(self, key: str) -> list[str]:
        """Return the names per color; see the interface."""
        return [file_of(key, color, kind) for color in names.COLORS for kind in ("json", "map", "upstream")]

    # --- making it so ---

    def apply(self, change: t.Callable[[ProxyState], ProxyPlan]) -> ProxyPlan:
        """Plan and carry out, alone on this server; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            plan = change(self.read())
            if plan.before.routes != plan.after.routes or dict(plan.files) != dict(plan.files_before):
                self._configure(plan)
            if plan.changed:
                before = self._lying()
                try:
                    self._set_flags(flags_of(plan.after))
                    self._clean(plan)
                except (SwitchyardError, OSError):
                    with suppress(SwitchyardError, OSError):
                        self._set_flags(before)
                    raise
            return plan

    def _set_flags(self, wanted: set[str]) -> None:
        """Put flags there and take others away; proved by asking nginx."""
        folder = self.folder / "flags"
        for name, there in flag_changes(self._lying(), wanted):
            if there:
                (folder / name).touch(mode=0o644)
            else:
                (folder / name).unlink(missing_ok=True)
        atomic_file.sync_folder(folder)
        left = flag_changes(self.flags(), wanted)
        if left:
            raise SwitchyardError(
                f"The proxy does not see the flags in {folder} as they are ({left[0][0]}). Is the folder still mounted?"
            )

    def _clean(self, plan: ProxyPlan) -> None:
        """Take away the flags of stacks that nginx is to forget: a color that means nothing stays otherwise."""
        gone = plan.before.known_stacks() - plan.after.known_stacks()
        for name in self._lying():
            found = FLAG.match(name)
            if found and found["key"] in gone:
                (self.folder / "flags" / name).unlink(missing_ok=True)

    def _lying(self) -> set[str]:
        return {path.name for path in (self.folder / "flags").iterdir()}

    def _configure(self, plan: ProxyPlan) -> None:
        """Put a new configuration in place and reload; the one before is back when nginx does not take it over."""
        live = self.folder / "conf.d"
        before = _contents(live)
        given = {**before, **plan.files}
        wanted, mark = full_config(given, plan.after.routes, self.server_key(), self.max_body_size, self.preview_keys())
        if before == wanted and self._mark() == mark:
            return
        told = self._try(wanted)
        if told:
            raise SwitchyardError(f"The proxy refuses the new configuration, the old one stays: {told}")
        changed = [name for name in {**before, **wanted} if wanted.get(name) != before.get(name)]
        for name in changed:
            self.write(live / name, wanted.get(name))
        # Where nothing is live, nobody is cut off.
        complaint = self._reload(mark, self.quiet if plan.before.live else 0)
        if complaint:
            for name in changed:
                self.write(live / name, before.get(name))
            raise SwitchyardError(f"The proxy refused the reload, the old configuration is back: {complaint}")

    def _try(self, contents: t.Mapping[str, str]) -> str | None:
        """Return what nginx says of a whole configuration; None where it is good."""
        staged = self.folder / "staged"
        for name in _contents(staged):
            (staged / name).unlink()
        for name, content in contents.items():
            self.write(staged / name, content)
        code, words = self._nginx("-t", "staged")
        told = "\n".join(_emergencies(words.splitlines())) or words
        return told.replace(f"{INSIDE}/staged", str(self.folder / "conf.d")) if code else None

    def validate_config(self) -> str | None:
        """Return what nginx says of its files; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            return self._try(_contents(self.folder / "conf.d"))

    def _reload(self, mark: str, quiet: float) -> str | None:
        """Let nginx load its configuration; return None when it answers with this mark, or else why it does not.

        A worker that leaves closes the connections that wait for a request, maybe in the moment in which one comes.
        So connections end by their own answers beforehand, for a short while, and few are left that wait.
        """
        flag = self.folder / "flags" / CLOSING
        flag.touch(mode=0o644)
        try:
            time.sleep(quiet)
            logged = self._log()
            code, words = self._nginx("-s reload", "conf.d")
            if code:
                return words
            end, proofs = time.monotonic() + LIMIT, 0
            while proofs < PROOFS:
                proofs = proofs + 1 if self._mark() == mark else 0
                if time.monotonic() > end:
                    new = _emergencies(line for line in self._log() if line not in logged)
                    return "\n".join(new) or f"it still runs the one before, {LIMIT:g} s after the reload"
                if proofs < PROOFS:
                    time.sleep(POLL)
            return None
        finally:
            flag.unlink(missing_ok=True)

    def _mark(self) -> str:
        return parse_state(self.ask("/state"))[0]

    def _log(self) -> list[str]:
        return self.running.logs(LOG_LINES)

    def _nginx(self, option: str, folder: str) -> tuple[int, str]:
        own = f"{INSIDE}/{folder}/{self.own_file}"
        return self.running.run(["nginx", "-e", "stderr", *option.split(), "-c", own])

    def set_server_addresses(self, routing: StackRoutes, color: str, addresses: t.Mapping[str, str]) -> None:
        """Do nothing: nginx asks Docker's DNS for a name when a request needs it, and forgets it after a second."""


def _contents(folder: Path) -> dict[str, str]:
    """Return the files of a configuration; those that are being written begin with a dot."""
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir()) if not path.name.startswith(".")}


def _emergencies(lines: t.Iterable[str]) -> list[str]:
    """Return why nginx would not start, from its log: the lines of the level [emerg], without their time."""
    return list(dict.fromkeys(line.partition("[emerg] ")[2] for line in lines if "[emerg]" in line))
