# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to a PostgreSQL server, from a client container of the server's own image.

The container reaches a server in Docker through its socket, or through its network when the socket is not mounted
from this host, and any other server through host, port and TLS. A password goes through standard input into a file in
the container's memory: it is not in an argument, an environment variable or a file of this host.
"""

from __future__ import annotations

import contextlib
import functools
import re
import typing as t

from .. import names
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from .client_container import PASSFILE, SECRETS, SOCKETS, ClientContainer, Mount, remove
from .psql_session import SESSION_OPTIONS, PsqlSession
from .sql import shorten_name
from .target import Target, passfile_line


class PostgresServer:
    """A running PostgreSQL server, and the client container that connects to it."""

    def __init__(
        self,
        client: ClientContainer,
        env: dict[str, str],
        user: str,
        where: str,
        maintenance: str = "postgres",
        dedicated: bool = False,
    ) -> None:
        """Take the container, libpq's variables, the administrator's login and the server's name in messages.

        ``dedicated`` is as in ``Target``.
        """
        self.client = client
        self.env = env
        self.user = user
        self.where = where
        self.maintenance = maintenance
        self.dedicated = dedicated
        self._passwords: dict[str, str] = {}

    def environment(self, database: str, login: str) -> dict[str, str]:
        """Return libpq's environment variables (manual, 34.15) for a login and a database."""
        options = " ".join(f"-c {name}={value}" for name, value in SESSION_OPTIONS.items())
        return {
            **self.env,
            "PGUSER": login,
            "PGDATABASE": database,
            "PGPASSFILE": PASSFILE,
            "PGCONNECT_TIMEOUT": "10",
            "PGAPPNAME": self.application_name,
            "PGOPTIONS": options,
            "LC_ALL": "C.UTF-8",
        }

    @property
    def application_name(self) -> str:
        """The name of this run's connections in ``pg_stat_activity``."""
        return shorten_name(self.client.name)

    def session(self, database: str | None = None, login: str | None = None) -> PsqlSession:
        """Open a session; by default the administrator's, in the maintenance database."""
        database, login = database or self.maintenance, login or self.user
        args = ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password"]
        session = PsqlSession(
            self.client.command(args, self.environment(database, login)),
            f"PostgreSQL ({self.where}, database {database}, login {login})",
        )
        # New in 17; an older server rejects it as an option.
        session.run("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'")
        return session

    def program(self, args: t.Iterable[str], database: str, login: str) -> list[str]:
        """Return the command line that runs a PostgreSQL program as a login on a database."""
        return self.client.command(args, self.environment(database, login))

    def call(self, args: t.Iterable[str], database: str, login: str, limit: float | None = None) -> str:
        """Run a PostgreSQL program and return its output; ``limit`` is in seconds."""
        return self.client.call(args, self.environment(database, login), limit=limit)

    def remember(self, login: str, password: str) -> None:
        """Store a login's password for later sessions."""
        self._passwords[login] = password
        self._write_passwords()

    def forget(self, login: str) -> None:
        """Remove a login's password."""
        if self._passwords.pop(login, None) is not None:
            self._write_passwords()

    @functools.cached_property
    def client_version(self) -> str:
        """The version of the client programs, as ``17.6``."""
        output = self.client.call(["pg_dump", "--version"], limit=60)
        return t.cast("re.Match[str]", re.search(r"\d+(?:\.\d+|\w+)", output)).group()

    @property
    def client_major_version(self) -> int:
        """The major version of the client programs."""
        return int(t.cast("re.Match[str]", re.match(r"\d+", self.client_version)).group())

    def _write_passwords(self) -> None:
        # libpq looks a socket up as "localhost" in its default folder, and by its folder elsewhere: "*" matches both.
        self.client.put(
            PASSFILE,
            "".join(passfile_line("*", self._port, login, password) for login, password in self._passwords.items()),
        )

    @property
    def _port(self) -> int:
        return int(self.env.get("PGPORT", "5432"))


def labels_of(project: str, environment: str, stack: str, source: str | None = None) -> dict[str, str]:
    """Return the labels of a backup's or a restore's containers; ``source`` names a database of an accessory.

    Their role is ``backup``, so a release neither waits for them nor counts them among the stack's containers.
    """
    return names.labels(project=project, environment=environment, stack=stack, role="backup", source=source)


def remove_leftover_containers(
    engine: Engine, project: str, environment: str, stack: str, source: str | None = None
) -> list[str]:
    """Remove the containers that an interrupted run for this database left; return their names."""
    of_stack = engine.containers(project=project, environment=environment, stack=stack, role="backup")
    containers = [container for container in of_stack if container.label("source") == (source or "")]
    remove(*(container.name for container in containers))
    return sorted(container.name for container in containers)


@contextlib.contextmanager
def connect(
    engine: Engine, target: Target, name: str, labels: dict[str, str], mounts: t.Iterable[Mount] = ()
) -> t.Iterator[PostgresServer]:
    """Yield the target server, through a client container that is removed afterwards.

    Raises SwitchyardError when the container or the image does not exist. The first session shows whether the server
    answers.
    """
    mounts = list(mounts)
    env = {"PGPORT": str(target.port)}
    if target.container:
        image, network_args, env["PGHOST"], socket = _container_route(engine, target.container)
        mounts += [Mount(socket, SOCKETS, writable=True)] if socket else []
    else:
        image, network_args = _image_id(engine, t.cast(str, target.image)), ["--network", target.network]
        env.update({"PGHOST": t.cast(str, target.host), "PGSSLMODE": target.tls})
        if target.tls_ca:
            mounts.append(Mount(target.tls_ca, f"{SECRETS}-ca.pem"))
            env["PGSSLROOTCERT"] = f"{SECRETS}-ca.pem"
    with ClientContainer(name, image, labels, mounts, network_args) as client:
        server = PostgresServer(client, env, target.user, target.where, target.maintenance, target.dedicated)
        if target.password:
            server.remember(target.user, target.password)
        yield server


def _container_route(engine: Engine, name: str) -> tuple[str, list[str], str, str | None]:
    """Return a server container's image, the network arguments, libpq's host, and its socket's folder on this host."""
    container = engine.container(name)
    if not container:
        hint = "Check its name, or run setup.yml."
        raise SwitchyardError(f"There is no container {name} on this server.", hint=hint)
    if not container.running:
        hint = f"Start it with 'docker start {name}'."
        raise SwitchyardError(f"The container {name} is not running ({container.state}).", hint=hint)
    for folder in (SOCKETS, "/run/postgresql"):
        if folder in container.mounts:
            return container.image, ["--network", "none"], SOCKETS, container.mounts[folder]
    return container.image, ["--network", f"container:{container.id}"], "127.0.0.1", None


def _image_id(engine: Engine, name: str) -> str:
    return (engine.image(name) or engine.pull(name)).id
