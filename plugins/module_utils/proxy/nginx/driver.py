# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx: live colors are flag files that it looks for with each request; a switch adds or removes one file.

The stack and the service of a host and path are configuration: new routes are one reload. nginx answers no command
with the result of a reload (``-t`` and ``reload`` exit with 0 where the master then refuses), so the configuration has
a mark, and the workers answer with the mark of the configuration that they run.

The flags of a stack, which roles/proxy/templates/nginx reads:

``<key>.live``            a color is live: blue, or green where ``<key>.green`` exists as well
``<key>.to-green.<n>``    while blue is live, clients with the number n get green; a weight of 25 is 0 to 24
``<key>.maintenance``     users get the maintenance page
``<key>.held``            requests wait; where nginx has no njs, they get the page as well
"""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

from ... import atomic_file, names
from ...errors import SwitchyardError
from .. import unix_socket
from ..connection_count import ConnectionCount
from ..driver import Files, Proxy
from ..layout import CONFIG_ROOT, stack_file
from ..route_options import RouteOptions
from ..state import ProxyPlan, ProxyState, StackRoutes
from . import route_options
from .config import ROUTES, full_config, ports_in, published, servers
from .flags import FLAG, flag_changes, flags_of, mark_in, parse_state, state_from_flags
from .preview_keys import KEYS, preview_key_files

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine

# While this flag exists, every answer ends its connection.
CLOSING = "closing"

# Seconds in which connections end with their own answers before a reload, and the limit of the reload.
RELOAD_DELAY = 2.0
LIMIT = 10.0

# nginx ends the old workers 0.1 s after it started the new ones; until then both answer (ngx_reconfigure).
# So this many answers in a row have to come from the new configuration.
ANSWERS = 10
POLL = 0.05
LOG_LINES = 2000


class Nginx(ConnectionCount, Proxy):
    """An nginx that the role ``proxy`` set up."""

    own_file = "00-proxy.conf"
    secret_files = frozenset({KEYS})

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        super().__init__(folder, settings, engine)
        # The role mounts volumes into a container; a unit of the server does not have them.
        self.container = settings.get("container")
        self.serves_files = "unit" not in settings
        self.reload_delay = float(settings.get("reload_delay", RELOAD_DELAY))
        self.max_body_size = int(settings.get("max_body_size", 0))

    @staticmethod
    def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
        """Return the options that nginx does not support; see Proxy."""
        return route_options.unsupported_options(options)

    def volumes(self) -> t.Collection[str]:
        """Return the volumes that the role mounted."""
        container = self.engine.container(str(self.container))
        return container.volumes if container else ()

    # --- files ---

    def first_files(self) -> dict[str, str]:
        """Return the configuration without any route."""
        return full_config({}, {}, self.server_key(), self.max_body_size, self.preview_keys())[0]

    def own_files(self, content: str) -> dict[str, str]:
        """Return the role's configuration, and the files that accept preview keys; see Proxy."""
        return {**super().own_files(content), **preview_key_files(self.server_key(), self.preview_keys())}

    def files_of(self, key: str) -> list[str]:
        """Return the files per color; see Proxy."""
        return [stack_file(key, suffix, color) for color in names.COLORS for suffix in ("json", "map", "upstream")]

    # --- the running process ---

    def ask(self, path: str) -> str:
        """Return the answer of the server behind the socket. Raises SwitchyardError for any status but 200."""
        socket = self.folder / "run" / "admin.sock"
        answer = unix_socket.ask(socket, f"GET {path} HTTP/1.0\r\n\r\n", self.process.log_command)
        head, _blank, body = answer.partition("\r\n\r\n")
        if " 200 " not in head.split("\r\n")[0]:
            raise SwitchyardError(f"The proxy answers {path} with {head.splitlines()[:1]}.", hint="Run setup.yml.")
        return body

    def flags(self) -> set[str]:
        """Return the flags that nginx finds."""
        return {entry["name"] for entry in json.loads(self.ask("/flags/"))}

    def read(self) -> ProxyState:
        """Return the state: the routes of the configuration that nginx runs, and the flags that it finds."""
        mark, routes = parse_state(self.ask("/state"))
        return state_from_flags(self.flags(), routes, mark == self._mark_on_disk())

    def container_ports(self, key: str, color: str) -> dict[str, int]:
        """Return the ports in a color's servers file; see ConnectionCount."""
        return ports_in(atomic_file.read(self.config_folder / stack_file(key, "map", color)) or "")

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return the status and the open connections of a color's containers."""
        return {
            container.name: {"status": container.state, "in_flight": count}
            for container, count in self.connections(key, color)
        }

    # --- a change ---

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return the plan that gives a color its routes and servers; see Proxy."""
        desired = {stack_file(routing.key, "map", color): servers(routing, color)}
        if self.ports:
            desired = published(routing, color)
        desired[stack_file(routing.key, "json", color)] = route_options.options_to_json(routing)
        current = {name: atomic_file.read(self.config_folder / name) for name in desired}
        return ProxyPlan(
            before=state,
            after=state.with_routes(routing, color),
            files=desired,
            # Files on disk count only while nginx runs them.
            files_before={name: text for name, text in current.items() if text is not None and state.in_sync},
        )

    def changed_files(self, plan: ProxyPlan) -> Files | None:
        """Return what differs in the whole configuration; None where nginx already runs it."""
        if plan.before.routes == plan.after.routes and super().changed_files(plan) is None:
            return None
        before = self.config_contents()
        whole, mark = full_config(
            {**before, **plan.files}, plan.after.routes, self.server_key(), self.max_body_size, self.preview_keys()
        )
        if before == whole and self._mark() == mark:
            return None
        return {name: whole.get(name) for name in {**before, **whole} if whole.get(name) != before.get(name)}

    def check_staged(self, files: Files) -> str | None:
        """Return what ``nginx -t`` reports; see Proxy."""
        code, output = self._nginx("-t", "staged")
        return ("\n".join(_emergencies(output.splitlines())) or output) if code else None

    def load(self, plan: ProxyPlan, files: Files) -> None:
        """Reload, and wait until all workers answer with the mark of the files.

        A worker that ends closes its idle connections, maybe in the moment in which a request arrives. So connections
        end with their own answers for a short while beforehand, and few idle ones remain.
        """
        flag = self.folder / "flags" / CLOSING
        flag.touch(mode=0o644)
        try:
            # Without a live color no client can lose a connection.
            time.sleep(self.reload_delay if plan.before.live else 0)
            self._reload(self._mark_on_disk())
        finally:
            flag.unlink(missing_ok=True)

    def _reload(self, mark: str | None) -> None:
        logged = self._log()
        code, output = self._nginx("-s reload", "conf.d")
        if code:
            raise SwitchyardError(output)
        end, answers = time.monotonic() + LIMIT, 0
        while answers < ANSWERS:
            answers = answers + 1 if self._mark() == mark else 0
            if time.monotonic() > end:
                new = _emergencies(line for line in self._log() if line not in logged)
                raise SwitchyardError("\n".join(new) or f"it still runs the one before, {LIMIT:g} s after the reload")
            if answers < ANSWERS:
                time.sleep(POLL)

    def activate(self, state: ProxyState) -> None:
        """Write the flags of a state, and remove those of stacks that it does not know."""
        self._set_flags(flags_of(state))
        for name in self._flags_on_disk():
            flag = FLAG.match(name)
            if flag and flag["key"] not in state.known_stacks():
                (self.folder / "flags" / name).unlink(missing_ok=True)

    def _set_flags(self, desired: set[str]) -> None:
        """Add and remove flag files, and ask nginx whether it finds them so."""
        folder = self.folder / "flags"
        for name, exists in flag_changes(self._flags_on_disk(), desired):
            if exists:
                (folder / name).touch(mode=0o644)
            else:
                (folder / name).unlink(missing_ok=True)
        atomic_file.sync_folder(folder)
        remaining = flag_changes(self.flags(), desired)
        if remaining:
            raise SwitchyardError(
                f"The proxy does not see the flags in {folder} ({remaining[0][0]}). Check that the folder is mounted."
            )

    def _flags_on_disk(self) -> set[str]:
        return {path.name for path in (self.folder / "flags").iterdir()}

    def _mark_on_disk(self) -> str | None:
        return mark_in(atomic_file.read(self.config_folder / ROUTES) or "")

    def _mark(self) -> str:
        return parse_state(self.ask("/state"))[0]

    def _log(self) -> list[str]:
        return self.process.logs(LOG_LINES)

    def _nginx(self, option: str, folder: str) -> tuple[int, str]:
        own = f"{CONFIG_ROOT}/{folder}/{self.own_file}"
        return self.process.run(["nginx", "-e", "stderr", *option.split(), "-c", own])


def _emergencies(lines: t.Iterable[str]) -> list[str]:
    """Return the reasons why nginx would not start: the log lines of the level [emerg], without their time."""
    return list(dict.fromkeys(line.partition("[emerg] ")[2] for line in lines if "[emerg]" in line))
