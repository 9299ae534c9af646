# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of every proxy, and how a change is applied and undone.

``read`` asks the running process, never a file. Plans are pure. ``apply`` writes files before it changes the running
process, so that a restart at any moment loads either the old or the new state, never a part of it.
"""

from __future__ import annotations

import abc
import contextlib
import http.client
import typing as t
from pathlib import Path

from .. import atomic_file, paths
from ..config.wildcard_hosts import example_of
from ..errors import ProxyRefused, SwitchyardError
from . import unix_socket, user_request
from .capabilities import ProxyCapabilities
from .layout import CONFIG_ROOT
from .process import process_for
from .route_options import RouteOptions
from .state import ProxyPlan, ProxyState, StackRoutes

if t.TYPE_CHECKING:
    from ..engine.docker_client import Engine

# Files by name; a file whose content is None is removed.
Files = t.Mapping[str, t.Optional[str]]


class OptionalSteps:
    """The steps that most drivers do not need; they do nothing unless a driver overrides them."""

    def set_server_addresses(self, routing: StackRoutes, color: str, addresses: t.Mapping[str, str]) -> None:
        """Set the addresses of a color's services, where the proxy would otherwise find them by DNS too late.

        Does nothing here: nginx and Traefik look a name up when a request needs it.
        """

    def check_single_process(self) -> None:
        """Raise SwitchyardError where a second proxy process serves that would not receive a change."""

    def prepare_load(self, plan: ProxyPlan) -> None:
        """Do what has to be done before changed files are written."""

    def cancel_load(self, plan: ProxyPlan) -> None:
        """Undo ``prepare_load``; the files before are back already."""

    def finish_load(self, plan: ProxyPlan) -> None:
        """Do what has to be done once the proxy uses the files."""


class Proxy(OptionalSteps, abc.ABC):
    """A running proxy on this server.

    A driver implements ``read``, ``plan_routes``, ``files_of``, ``check_staged``, ``load``, ``activate``, ``in_flight``
    and ``stats``. It overrides the other methods where the proxy differs from what they do here.
    """

    # The role's own configuration file, in the folder ``conf.d``.
    own_file: t.ClassVar[str]
    # The endings of the files in ``conf.d`` that the proxy loads; all files where it is empty.
    suffixes: t.ClassVar[tuple[str, ...]] = ()
    # The files in ``conf.d`` that only the proxy may read.
    secret_files: t.ClassVar[frozenset[str]] = frozenset()
    # Whether the proxy can serve the files of a volume.
    serves_files: bool = False

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        """Take the folder that the role ``proxy`` made, the content of its ``proxy.json``, and the server's engine."""
        self.folder = folder
        self.engine = engine
        self.process = process_for(settings, engine)
        self.address = str(settings.get("address", ""))
        self.port = int(settings["port"])
        https = settings.get("https") or {}
        self.https_address = str(https.get("address", "")), int(https.get("port", 0))
        self.uid: int | None = settings.get("uid")
        self.capabilities = ProxyCapabilities.from_settings(settings)
        # The first and last host port for colors; None where Docker's DNS finds the containers.
        self.ports: tuple[int, int] | None = tuple(settings["ports"]) if settings.get("ports") else None

    # --- what the proxy supports ---

    @staticmethod
    def unsupported_options(options: RouteOptions) -> list[tuple[str, str]]:
        """Return the route options that this kind of proxy does not support: the inventory key, and the reason."""
        return []

    def volumes(self) -> t.Collection[str]:
        """Return the volumes whose files the proxy can serve now."""
        return ()

    @property
    def gates_socket(self) -> Path | None:
        """The socket for the requests of releases, where users could keep them waiting."""
        return None

    # --- files ---

    @property
    def config_folder(self) -> Path:
        """The folder ``conf.d``, from which the proxy loads its configuration."""
        return self.folder / "conf.d"

    def first_files(self) -> dict[str, str]:
        """Return the files that ``conf.d`` needs for the first start, in addition to those of the role."""
        return {}

    def own_files(self, content: str) -> dict[str, str]:
        """Return the role's files in ``conf.d``; ``content`` is that of ``own_file``."""
        return {self.own_file: content}

    @abc.abstractmethod
    def files_of(self, key: str) -> list[str]:
        """Return the names of all files in ``conf.d`` that a stack may have."""

    def foreign_files(self, state: ProxyState) -> list[str]:
        """Return the files in ``conf.d`` that neither the role nor a release of a known stack has written."""
        of_stacks = {name for key in state.known_stacks() for name in self.files_of(key)}
        known = {*self.own_files(""), *self.first_files(), *of_stacks}
        names = [path.name for path in self.config_folder.iterdir()] if self.config_folder.exists() else []
        return sorted(name for name in names if name not in known and not name.startswith("."))

    def is_secret(self, name: str) -> bool:
        """Return whether only the proxy may read a file of this name."""
        return name in self.secret_files

    def write(self, path: Path, content: str | None) -> None:
        """Write a configuration file, a secret one with mode 0600 for the proxy's user; None removes it."""
        if content is not None and self.is_secret(path.name):
            atomic_file.write(path, content, 0o600, self.uid)
        else:
            atomic_file.write_or_remove(path, content)

    # --- keys ---

    def server_key(self) -> str:
        """Return this server's preview key, which the role wrote. Raises SwitchyardError where it is missing."""
        key = atomic_file.read(self.folder / paths.SERVER_PREVIEW_KEY)
        if not key:
            raise SwitchyardError(f"{self.folder / paths.SERVER_PREVIEW_KEY} is missing.", hint="Run setup.yml.")
        return key.strip()

    def preview_keys(self) -> dict[str, tuple[str, str]]:
        """Return the header and its secret value per environment; they give preview access to its stacks only."""
        keys = atomic_file.read_json(self.folder / "preview-keys.json") or {}
        return {environment: (key["header"], key["value"]) for environment, key in keys.items()}

    # --- plans ---

    @abc.abstractmethod
    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return the plan that gives a color exactly these routes."""

    def plan_forget(self, state: ProxyState, key: str) -> ProxyPlan:
        """Return the plan that removes a stack, both colors, from the proxy."""
        contents = {name: atomic_file.read(self.config_folder / name) for name in self.files_of(key)}
        existing = {name: content for name, content in contents.items() if content is not None}
        return ProxyPlan(state, state.without(key), dict.fromkeys(existing), existing)

    @staticmethod
    def plan_switch(state: ProxyState, key: str, color: str | None) -> ProxyPlan:
        """Return the plan that makes a color live; None leaves the stack without a live color."""
        return ProxyPlan(before=state, after=state.with_live(key, color))

    @staticmethod
    def plan_weight(state: ProxyState, key: str, percent: int) -> ProxyPlan:
        """Return the plan that gives the idle color ``percent`` of a stack's clients; 0 gives it none."""
        return ProxyPlan(before=state, after=state.with_weight(key, percent))

    @staticmethod
    def plan_availability(state: ProxyState, keys: t.Iterable[str], availability: str | None) -> ProxyPlan:
        """Return the plan that sets stacks to ``maintenance`` or ``held``; None makes them available."""
        return ProxyPlan(before=state, after=state.with_availability(keys, availability))

    # --- the running process ---

    @abc.abstractmethod
    def read(self) -> ProxyState:
        """Return the state of the running process. Raises SwitchyardError when it does not answer."""

    @abc.abstractmethod
    def in_flight(self, key: str, color: str) -> int:
        """Return the number of requests that a color is answering now."""

    @abc.abstractmethod
    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return the proxy's own figures for a color, by server or service, for messages."""

    # --- applying a change: the skeleton ---

    def apply(self, change: t.Callable[[ProxyState], ProxyPlan]) -> ProxyPlan:
        """Apply a plan that ``change`` makes from the running state, under the lock of this server's proxy.

        Raises ProxyRefused when the proxy refuses the change; its state and files are then those from before.
        """
        with atomic_file.locked(self.folder / "lock"):
            self.check_single_process()
            plan = change(self.read())
            if plan.changed:
                files = self.changed_files(plan)
                if files is not None:
                    self._configure(plan, files)
                self._activate(plan)
            return plan

    def _configure(self, plan: ProxyPlan, files: Files) -> None:
        """Validate the new files, write them and have the proxy load them; undo that when the proxy refuses."""
        if self.needs_validation(plan):
            error = self._validation_error(files)
            if error:
                raise ProxyRefused(self.refusal(error, files))
        before = {name: atomic_file.read(self.config_folder / name) for name in files}
        try:
            self.prepare_load(plan)
            for name, content in files.items():
                self.write(self.config_folder / name, content)
            self.load(plan, files)
        except (SwitchyardError, OSError) as error:
            for name, content in before.items():
                self.write(self.config_folder / name, content)
            with contextlib.suppress(SwitchyardError, OSError):
                self.cancel_load(plan)
            details = error.details if isinstance(error, SwitchyardError) else {}
            raise ProxyRefused(
                f"The proxy refused the reload, the old configuration is back: {error}", **details
            ) from error
        self.finish_load(plan)

    def _activate(self, plan: ProxyPlan) -> None:
        """Make the planned state take effect; put the state before back when the proxy refuses."""
        try:
            self.activate(plan.after)
        except (SwitchyardError, OSError):
            with contextlib.suppress(SwitchyardError, OSError):
                self.activate(plan.before)
            raise

    def changed_files(self, plan: ProxyPlan) -> Files | None:
        """Return the files of ``conf.d`` that the plan changes; None where the configuration stays as it is.

        An empty mapping loads the existing files again.
        """
        return plan.files if dict(plan.files) != dict(plan.files_before) else None

    def needs_validation(self, plan: ProxyPlan) -> bool:
        """Return whether changed files are validated before they are written."""
        return True

    def stage(self, files: Files) -> None:
        """Make the folder ``staged`` a copy of ``conf.d`` with these changes."""
        staged = self.folder / "staged"
        for path in self._config_files(staged):
            path.unlink()
        for name, content in {**self.config_contents(), **files}.items():
            self.write(staged / name, content)

    @abc.abstractmethod
    def check_staged(self, files: Files) -> str | None:
        """Return the proxy's validation error for the folder ``staged``, or None where it is valid."""

    def refusal(self, error: str, files: Files) -> str:
        """Return the message for a validation error of changed files."""
        return f"The proxy refuses the new configuration, the old one stays: {error}"

    def validate_config(self) -> str | None:
        """Return the proxy's validation error for the current files, or None where they are valid.

        A running proxy does not notice a file that was put into ``conf.d``, but it accepts no change and does not
        start again until that file is valid.
        """
        with atomic_file.locked(self.folder / "lock"):
            return self._validation_error({})

    def _validation_error(self, files: Files) -> str | None:
        self.stage(files)
        error = self.check_staged(files)
        return error and error.replace(f"{CONFIG_ROOT}/staged", str(self.config_folder))

    def config_contents(self) -> dict[str, str]:
        """Return the files of ``conf.d`` that the proxy loads, with their content."""
        return {path.name: path.read_text(encoding="utf-8") for path in self._config_files(self.config_folder)}

    def _config_files(self, folder: Path) -> list[Path]:
        """Return the files of a folder that the proxy loads; files that are being written begin with a dot."""
        return [
            path
            for path in sorted(folder.iterdir())
            if not path.name.startswith(".") and path.name.endswith(self.suffixes or ("",)) and path.is_file()
        ]

    @abc.abstractmethod
    def load(self, plan: ProxyPlan, files: Files) -> None:
        """Have the proxy load the changed files, and wait until it uses them. Raises SwitchyardError otherwise."""

    @abc.abstractmethod
    def activate(self, state: ProxyState) -> None:
        """Make live colors, weights and availability of a state take effect. Raises SwitchyardError when it cannot."""

    # --- requests ---

    def request(
        self,
        host: str,
        path: str,
        color: str | None = None,
        timeout: float = 5.0,
        public: bool = False,
        https: bool | None = None,
    ) -> tuple[int, str | None, str]:
        """Send a GET request through the proxy; return the status, the color that answered, and the body.

        With ``color``, that color answers, live or idle. With ``public`` it has no preview key and carries
        ``X-Switchyard-Bypass: off``: it is answered as a client's request, also where the address of this server is in
        ``proxy_bypass_ips``, and the answer names no color. ``timeout`` is in seconds.
        It is one with https where users of the host have that, or where an application redirects to https, as behind a
        load balancer with the certificate; ``https`` decides it. Raises OSError.
        """
        name, uses_https = example_of(host), self.capabilities.serves_https(host) if https is None else https
        access = {"X-Switchyard-Bypass": "off"} if public else {"X-Switchyard-Key": self.server_key()}
        headers = {"Host": name, **access}
        if color:
            headers["X-Switchyard-Color"] = color
        connection = self._connection(host, public, uses_https, timeout)
        if uses_https and not isinstance(connection, user_request.TlsConnection):
            # The proxy believes this of a request with a preview key.
            headers["X-Forwarded-Proto"] = "https"
        response = user_request.get(connection, path, headers)
        if https is None and not uses_https and not public and response.redirects_to_https(name, path):
            return self.request(host, path, color, timeout, https=True)
        return response.status, response.headers.get("x-switchyard-color"), response.body

    def _connection(self, host: str, public: bool, https: bool, timeout: float) -> http.client.HTTPConnection:
        """Return a connection to a port of users, or to the socket for releases where the proxy has one."""
        socket = None if public else self.gates_socket
        if socket and socket.exists():
            return unix_socket.ProxyProtocolConnection(socket, timeout)
        if https and self.capabilities.has_certificate(host):
            return user_request.TlsConnection(*self.https_address, example_of(host), timeout)
        at = self.trusting_address() if https else (self.address, self.port)
        return http.client.HTTPConnection(*at, timeout=timeout)

    def trusting_address(self) -> tuple[str, int]:
        """Return where the proxy believes the ``X-Forwarded-Proto`` of a request with a preview key."""
        return self.address, self.port
