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
import json
import os
import re
import secrets
import selectors
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass, field

from .. import names
from ..engine.docker_client import Engine, docker_command, only_gone
from ..errors import Problem, SwitchyardError
from . import tenants
from .roles import ident, literal

SOCKETS = "/var/run/postgresql"
SECRETS = "/run/switchyard"
PASSFILE = f"{SECRETS}/pgpass"

TLS_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")

# One line of an answer is read at once; a statement that says nothing for longer than this is ended.
PATIENCE = 600.0

# Comparisons need the same text on every server, and a session of ours must not be ended by a tenant's setting. These
# come from the client and win over the settings of roles and databases. An empty search path lets no function of a
# tenant stand in for one of PostgreSQL. A backend whose client died ends after seconds.
SESSION_OPTIONS = {
    "search_path": "",
    "client_min_messages": "error",
    "datestyle": "ISO,YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "3",
    "row_security": "off",
    "lock_timeout": "30s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "client_connection_check_interval": "2s",
}


class ConnectionLost(SwitchyardError):
    """The server, or the way to it, went away."""


class QueryError(SwitchyardError):
    """The server refused a statement; ``state`` is its SQLSTATE."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True)
class Target:
    """A server as it was named: a container of this server, or a host."""

    container: str | None = None
    host: str | None = None
    port: int = 5432
    user: str = "postgres"
    password: str | None = field(default=None, repr=False)
    maintenance: str = "postgres"
    tls: str = "prefer"
    tls_ca: str | None = None
    image: str | None = None
    network: str = "host"

    def problems(self) -> list[Problem]:
        """Return what is wrong with how the server was named."""
        found = []
        if bool(self.container) == bool(self.host):
            found.append(Problem("container, host", "exactly one of them says where the server is", "Give one"))
        if self.host and not self.image:
            found.append(
                Problem(
                    "image",
                    "a server that is no container of ours needs an image with PostgreSQL's programs",
                    "Give one of the server's major version or a newer one, as docker.io/library/postgres:17",
                )
            )
        if not 0 < self.port < 65536:
            found.append(Problem("port", f"{self.port} is no port", "Give a number from 1 to 65535"))
        if self.tls not in TLS_MODES:
            found.append(Problem("tls", f"{self.tls} is unknown", f"Write one of {', '.join(TLS_MODES)}"))
        if self.tls_ca and not os.path.isfile(self.tls_ca):
            found.append(Problem("tls_ca", f"there is no file {self.tls_ca}", "Give the CA's certificates in PEM form"))
        if self.tls.startswith("verify") and self.host and not self.tls_ca:
            found.append(Problem("tls_ca", f"tls is {self.tls} and no CA is named", "Give the CA's certificates"))
        if self.password and any(sign in self.password for sign in "\n\r\0"):
            found.append(Problem("password", "it has a line end in it", "Give it without"))
        return found

    @property
    def where(self) -> str:
        """The server in a message."""
        return f"the container {self.container}" if self.container else f"{self.host}:{self.port}"


# --- SQL -------------------------------------------------------------------------------------------------------


def passfile_line(host: str, port: int, user: str, password: str) -> str:
    """Return a line of a password file (PostgreSQL manual, 34.16)."""
    fields = (host, str(port), "*", user, password)
    escaped = (one if one == "*" else one.replace("\\", "\\\\").replace(":", "\\:") for one in fields)
    return ":".join(escaped) + "\n"


class Session:
    """One session with a server, as psql holds it.

    It lives as long as this process: where it is killed, psql reads the end of its input and leaves.
    """

    def __init__(self, command: list[str], about: str) -> None:
        """Start psql. ``about`` is what a message calls the server."""
        self.about = about
        self._mark = secrets.token_hex(12)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._buffer = b""
        # AnsibleModule.run_command needs a module; this code is used and tested without one.
        # pylint: disable-next=ansible-bad-function,consider-using-with
        self._psql = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, start_new_session=True
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(t.cast(t.IO[bytes], self._psql.stdout), selectors.EVENT_READ)
        try:
            self.run("SELECT 1")
        except BaseException:
            self.close()
            raise

    def run(self, statement: str, limit: float | None = PATIENCE) -> list[str]:
        """Run one statement; return the lines of its answer.

        Raises QueryError where the server refuses it, ConnectionLost where there is no server any more.
        """
        # The text of an error can have several lines: the second mark ends it.
        text = f"{statement}\n;\n\\echo {self._mark} :SQLSTATE\n\\echo :LAST_ERROR_MESSAGE\n\\echo {self._mark}\n"
        try:
            pipe = t.cast(t.IO[bytes], self._psql.stdin)
            pipe.write(text.encode())
            pipe.flush()
        except OSError:
            raise self._lost() from None
        deadline = None if limit is None else time.monotonic() + limit
        lines = self._until(f"{self._mark} ", deadline)
        state = lines.pop().split(" ", 1)[1]
        message = self._until(self._mark, deadline)[:-1]
        if state != "00000":
            raise QueryError(f"{self.about}: {' '.join(message)}", state)
        return lines

    def rows(self, query: str, limit: float | None = PATIENCE) -> list[dict[str, t.Any]]:
        """Return the rows of a query, each as a dictionary."""
        # jsonb prints on one line, and its line ends are escaped.
        lines = self.run(f"SELECT to_jsonb(asked) FROM ({query}\n) AS asked", limit)
        return [json.loads(line) for line in lines if line]

    def one(self, query: str, limit: float | None = PATIENCE) -> dict[str, t.Any]:
        """Return the only row of a query."""
        return self.rows(query, limit)[0]

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(OSError):
            t.cast(t.IO[bytes], self._psql.stdin).close()
        try:
            self._psql.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._psql.kill()
            self._psql.wait()
        self._selector.close()
        t.cast(t.IO[bytes], self._psql.stdout).close()
        self._complaints.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *dummy: object) -> None:
        self.close()

    def _until(self, start: str, deadline: float | None) -> list[str]:
        lines: list[str] = []
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                lines.append(line.decode("utf-8", "replace"))
                if lines[-1].startswith(start):
                    return lines
                continue
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and (left <= 0 or not self._selector.select(left)):
                self._psql.kill()
                raise SwitchyardError(f"{self.about} did not answer in time. The session was ended.")
            chunk = os.read(t.cast(t.IO[bytes], self._psql.stdout).fileno(), 65536)
            if not chunk:
                raise self._lost()
            self._buffer += chunk

    def _lost(self) -> ConnectionLost:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._psql.wait(timeout=5)
        self._complaints.seek(0)
        said = self._complaints.read().decode("utf-8", "replace").strip()
        return ConnectionLost(f"{self.about} cannot be used: {said or 'the connection is gone'}{advice(said)}")


def advice(said: str) -> str:
    """Return what to do about a complaint of PostgreSQL's programs, or nothing."""
    for sign, what in ADVICE:
        if re.search(sign, said):
            return f". {what}"
    return ""


ADVICE = (
    ("password authentication failed|no password supplied", "Check user and password."),
    ("no pg_hba.conf entry|[Pp]eer authentication failed", "The server lets this login not in. Run setup.yml."),
    (
        "could not translate host|[Cc]onnection refused|timeout expired|No route|Network is unreachable|No such file",
        "Check that the server runs and that host and port are right.",
    ),
    ("root certificate|certificate verify failed|does not support SSL", "Check tls and tls_ca."),
    ("too many connections|remaining connection slots", "Raise the connection limit, or try when there is less to do."),
    ("server version mismatch", "The image's PostgreSQL is older than the server. Give a newer image."),
    ("No space left on device", "Make room."),
)


# --- the container ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mount:
    """A folder of this server in the container."""

    source: str
    target: str
    writable: bool = False

    @property
    def words(self) -> list[str]:
        """The arguments of ``docker run``."""
        mode = "" if self.writable else ",readonly"
        return ["--mount", f"type=bind,source={self.source},target={self.target}{mode}"]


class Bench:
    """A container of PostgreSQL's image that waits for commands, with few rights and no writable root.

    ``more`` are further words of ``docker run``: its network, what it may write, its limits.
    """

    def __init__(
        self, name: str, image: str, labels: dict[str, str], mounts: t.Iterable[Mount], more: t.Iterable[str]
    ) -> None:
        """Say what it is; nothing runs yet."""
        self.name = name
        self.image = image
        self._run = ["run", "--detach", "--init", "--name", name, "--read-only", "--cap-drop", "ALL"]
        self._run += ["--security-opt", "no-new-privileges", "--user", "0:0", "--workdir", "/", "--stop-timeout", "1"]
        self._run += ["--log-driver", "none", "--tmpfs", "/tmp:mode=1777", "--tmpfs", f"{SECRETS}:mode=0700"]
        for key, value in labels.items():
            self._run += ["--label", f"{key}={value}"]
        for mount in mounts:
            self._run += mount.words
        self._run += more

    def __enter__(self) -> Bench:
        # A day is longer than any work here: what a killed run left behind ends by itself.
        docker_command(*self._run, "--entrypoint", "sleep", self.image, "86400")
        return self

    def __exit__(self, *dummy: object) -> None:
        remove(self.name)

    def command(self, words: t.Iterable[str], env: t.Mapping[str, str] | None = None, user: str = "0:0") -> list[str]:
        """Return the command that runs words in the container. What is in ``env`` can be seen: no secrets."""
        given = [word for key, value in (env or {}).items() for word in ("--env", f"{key}={value}")]
        return ["docker", "exec", "--interactive", "--user", user, *given, self.name, *words]

    def call(
        self,
        words: t.Iterable[str],
        env: t.Mapping[str, str] | None = None,
        user: str = "0:0",
        stdin: str = "",
        limit: float | None = PATIENCE,
    ) -> str:
        """Run words to their end; return what they wrote. Raises SwitchyardError with what they complained of."""
        words = list(words)
        try:
            # AnsibleModule.run_command needs a module; this code is used and tested without one.
            # pylint: disable-next=ansible-bad-function
            done = subprocess.run(
                self.command(words, env, user), input=stdin.encode(), capture_output=True, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SwitchyardError(f"{words[0]} was not done after {limit:g} s.") from error
        if done.returncode:
            raise failed(words[0], done.returncode, done.stderr)
        return done.stdout.decode("utf-8", "replace")

    def put(self, path: str, content: str) -> None:
        """Write a file of the container that only its root can read; the content is in no argument."""
        self.call(["sh", "-c", 'umask 077 && cat > "$1"', "sh", path], stdin=content)


def failed(program: str, code: int, complaints: bytes) -> SwitchyardError:
    """Return the error of a program that ended badly, with its last lines."""
    lines = complaints.decode("utf-8", "replace").strip().splitlines()[-12:]
    said = "\n".join(lines)
    return SwitchyardError(f"{program} ended with exit code {code}: {said}{advice(said)}")


def remove(*containers: str) -> None:
    """Remove containers with what they wrote, whatever they do."""
    if not containers:
        return
    try:
        docker_command("rm", "--force", "--volumes", "--", *containers)
    except SwitchyardError as error:
        # One that a killed run left ends by itself, and may be going just now.
        if not only_gone(str(error)):
            raise


# --- the server ------------------------------------------------------------------------------------------------


class Server:
    """A running PostgreSQL server, and the container from which we speak with it."""

    def __init__(self, bench: Bench, env: dict[str, str], user: str, where: str, maintenance: str = "postgres") -> None:
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

    def session(self, database: str | None = None, login: str | None = None) -> Session:
        """Open a session, as the administrator at its own database where nothing else is said."""
        database, login = database or self.maintenance, login or self.user
        words = ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password"]
        session = Session(
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


def sweep(engine: Engine, project: str, environment: str, stack: str) -> list[str]:
    """Remove the containers that a killed run of this stack left behind; return their names."""
    left = engine.containers(project=project, environment=environment, stack=stack, role="backup")
    remove(*(one.name for one in left))
    return sorted(one.name for one in left)


@contextlib.contextmanager
def reach(
    engine: Engine, target: Target, name: str, labels: dict[str, str], mounts: t.Iterable[Mount] = ()
) -> t.Iterator[Server]:
    """Give the server that was named, through a container that lives as long as this context.

    Raises SwitchyardError where there is no such container or image. Whether it answers, the first session says.
    """
    mounts = list(mounts)
    env = {"PGPORT": str(target.port)}
    if target.container:
        image, way, env["PGHOST"], socket = _way(engine, target.container)
        mounts += [Mount(socket, SOCKETS, writable=True)] if socket else []
    else:
        image, way = _image(engine, t.cast(str, target.image)), ["--network", target.network]
        env.update({"PGHOST": t.cast(str, target.host), "PGSSLMODE": target.tls})
        if target.tls_ca:
            mounts.append(Mount(target.tls_ca, f"{SECRETS}-ca.pem"))
            env["PGSSLROOTCERT"] = f"{SECRETS}-ca.pem"
    with Bench(name, image, labels, mounts, way) as bench:
        server = Server(bench, env, target.user, target.where, target.maintenance)
        if target.password:
            server.remember(target.user, target.password)
        yield server


def _way(engine: Engine, name: str) -> tuple[str, list[str], str, str | None]:
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


# --- logins of one run -----------------------------------------------------------------------------------------

GUEST = "__guest_"


def guest_name(owner: str, run: str) -> str:
    """Return the name of a run's login; PostgreSQL cuts names after 63 bytes."""
    tail = f"{GUEST}{run}"
    return owner.encode()[: 63 - len(tail)].decode("utf-8", "ignore") + tail


@contextlib.contextmanager
def guest(server: Server, admin: Session, owner: str, run: str) -> t.Iterator[str]:
    """Give a login that is a member of the owner, and can do what the owner can and nothing else.

    It begins every session as the owner. It is gone afterwards, and after a kill the next run removes it.
    """
    name, password = guest_name(owner, run), secrets.token_urlsafe(24)
    # Two days are longer than any run, wherever the server's clock stands.
    until = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(time.time() + 172800))
    proof = tenants.scram_sha_256(password, os.urandom(16))
    drop_guests(server, admin, owner)
    try:
        admin.run(
            f"CREATE ROLE {ident(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"
            f" PASSWORD {literal(proof)} VALID UNTIL {literal(until)} IN ROLE {ident(owner)}"
        )
        admin.run(f"ALTER ROLE {ident(name)} SET role TO {literal(owner)}")
        server.remember(name, password)
        yield name
    finally:
        server.forget(name)
        # Where the server is gone, the next run does it, and the error that brought us here is the one to show.
        with contextlib.suppress(ConnectionLost):
            drop_guests(server, admin, owner)


def drop_guests(server: Server, admin: Session, owner: str) -> list[str]:
    """Remove the logins that runs made for an owner, and end their sessions; return their names."""
    prefix = guest_name(owner, "")
    found = admin.rows(f"SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, {literal(prefix)})")
    gone = [row["name"] for row in found]
    for name in gone:
        admin.run(f"ALTER ROLE {ident(name)} NOLOGIN")
        admin.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = {literal(name)}")
        try:
            admin.run(f"DROP ROLE {ident(name)}")
        except QueryError as error:
            if error.state != "2BP01":
                raise
            _disinherit(server, admin, name, owner)
            admin.run(f"DROP ROLE {ident(name)}")
    return gone


def _disinherit(server: Server, admin: Session, name: str, owner: str) -> None:
    """Give what a login owns to the owner, in every database: a tenant's function can make something in its name."""
    databases = admin.rows(
        "SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database d ON d.oid = dbid"
        f" WHERE refobjid = (SELECT oid FROM pg_roles WHERE rolname = {literal(name)})"
    )
    for row in databases:
        with server.session(row["datname"]) as inside:
            inside.run(f"REASSIGN OWNED BY {ident(name)} TO {ident(owner)}")
            inside.run(f"DROP OWNED BY {ident(name)}")


def without_password(target: Target) -> dict[str, t.Any]:
    """Return a target as a result may show it."""
    return {key: value for key, value in dataclasses.asdict(target).items() if key != "password"}
