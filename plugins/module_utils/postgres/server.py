# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a PostgreSQL server: with its own programs, in a one-off container of its own image.

The container reaches a server of ours through the server's socket, or through its network where the socket is not
shared, and a server that is not ours through host, port and TLS. A password goes through standard input into a file
in the container's memory: it is in no argument, no environment and no file of this server.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import typing as t

from .. import names
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from .client_container import PASSFILE, SECRETS, SOCKETS, ClientContainer, Mount, remove
from .psql_session import SESSION_OPTIONS, PsqlSession
from .target import Target, passfile_line


class PostgresServer:
    """A running PostgreSQL server, and the container from which we speak with it."""

    def __init__(
        self, bench: ClientContainer, env: dict[str, str], user: str, where: str, maintenance: str = "postgres"
    ) -> None:
        """Take the container, libpq's variables, the administrator's name, and what messages call the server."""
        self.bench = bench
        self.env = env
        self.user = user
        self.where = where
        self.maintenance = maintenance
        self._passwords: dict[str, str] = {}

    def environment(self, database: str, login: str) -> dict[str, str]:
        """Return libpq's variables for one login at one database."""
        options = " ".join(f"-c {name}={value}" for name, value in SESSION_OPTIONS.items())
        return {
            **self.env,
            "PGUSER": login,
            "PGDATABASE": database,
            "PGPASSFILE": PASSFILE,
            "PGCONNECT_TIMEOUT": "10",
            "PGAPPNAME": self.bench.name[:63],
            "PGOPTIONS": options,
            "LC_ALL": "C.UTF-8",
        }

    def session(self, database: str | None = None, login: str | None = None) -> PsqlSession:
        """Open a session, as the administrator at its own database where nothing else is said."""
        database, login = database or self.maintenance, login or self.user
        words = ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password"]
        session = PsqlSession(
            self.bench.command(words, self.environment(database, login)),
            f"PostgreSQL ({self.where}, database {database}, login {login})",
        )
        # New in 17; an older server does not know it.
        session.run("SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'")
        return session

    def program(self, words: t.Iterable[str], database: str, login: str) -> list[str]:
        """Return the command that runs one of PostgreSQL's programs as a login at a database."""
        return self.bench.command(words, self.environment(database, login))

    def call(self, words: t.Iterable[str], database: str, login: str, limit: float | None = None) -> str:
        """Run one of PostgreSQL's programs to its end."""
        return self.bench.call(words, self.environment(database, login), limit=limit)

    def remember(self, login: str, password: str) -> None:
        """Let later sessions of a login use a password."""
        self._passwords[login] = password
        self._write_passwords()

    def forget(self, login: str) -> None:
        """Take a login's password out of the file."""
        if self._passwords.pop(login, None) is not None:
            self._write_passwords()

    @functools.cached_property
    def client(self) -> str:
        """The version of the programs, as ``17.6``."""
        said = self.bench.call(["pg_dump", "--version"], limit=60)
        return t.cast("re.Match[str]", re.search(r"\d+(?:\.\d+|\w+)", said)).group()

    @property
    def client_major(self) -> int:
        """The major version of the programs."""
        return int(t.cast("re.Match[str]", re.match(r"\d+", self.client)).group())

    def _write_passwords(self) -> None:
        # libpq calls a socket "localhost" where it is the default folder, and by its folder where it is not.
        self.bench.put(
            PASSFILE,
            "".join(passfile_line("*", self._port, login, word) for login, word in self._passwords.items()),
        )

    @property
    def _port(self) -> int:
        return int(self.env.get("PGPORT", "5432"))


def labels_of(project: str, environment: str, stack: str) -> dict[str, str]:
    """Return the labels of the containers that a backup or a restore of a stack makes.

    Their role is one of their own: a release does not wait for them, and takes them for no container of the stack.
    """
    return names.labels(project=project, environment=environment, stack=stack, role="backup")


def remove_leftover_containers(engine: Engine, project: str, environment: str, stack: str) -> list[str]:
    """Remove the containers that a killed run of this stack left behind; return their names."""
    left = engine.containers(project=project, environment=environment, stack=stack, role="backup")
    remove(*(one.name for one in left))
    return sorted(one.name for one in left)


@contextlib.contextmanager
def connect(
    engine: Engine, target: Target, name: str, labels: dict[str, str], mounts: t.Iterable[Mount] = ()
) -> t.Iterator[PostgresServer]:
    """Give the server that was named, through a container that lives as long as this context.

    Raises SwitchyardError where there is no such container or image. Whether it answers, the first session says.
    """
    mounts = list(mounts)
    env = {"PGPORT": str(target.port)}
    if target.container:
        image, way, env["PGHOST"], socket = _connection_mounts(engine, target.container)
        mounts += [Mount(socket, SOCKETS, writable=True)] if socket else []
    else:
        image, way = _image(engine, t.cast(str, target.image)), ["--network", target.network]
        env.update({"PGHOST": t.cast(str, target.host), "PGSSLMODE": target.tls})
        if target.tls_ca:
            mounts.append(Mount(target.tls_ca, f"{SECRETS}-ca.pem"))
            env["PGSSLROOTCERT"] = f"{SECRETS}-ca.pem"
    with ClientContainer(name, image, labels, mounts, way) as bench:
        server = PostgresServer(bench, env, target.user, target.where, target.maintenance)
        if target.password:
            server.remember(target.user, target.password)
        yield server


def _connection_mounts(engine: Engine, name: str) -> tuple[str, list[str], str, str | None]:
    """Return the image of a server's container, how to reach it, libpq's host, and the folder of its socket."""
    container = engine.container(name)
    if not container:
        raise SwitchyardError(f"There is no container {name} on this server. Check its name, or run setup.yml.")
    if not container.running:
        raise SwitchyardError(
            f"The container {name} does not run ({container.state}). Start it with 'docker start {name}'."
        )
    for mount in engine.mounts(name):
        if mount["target"] in (SOCKETS, "/run/postgresql"):
            return container.image, ["--network", "none"], SOCKETS, mount["source"]
    return container.image, ["--network", f"container:{container.id}"], "127.0.0.1", None


def _image(engine: Engine, name: str) -> str:
    return (engine.image(name) or engine.pull(name)).id


def without_password(target: Target) -> dict[str, t.Any]:
    """Return a target as a result may show it."""
    return {key: value for key, value in dataclasses.asdict(target).items() if key != "password"}
