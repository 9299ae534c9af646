# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container with psql and pg_dump of the server's own version."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import command
from ..engine.container_limits import PIDS
from ..engine.docker_client import are_already_removed, docker_command
from .psql_session import RESPONSE_TIMEOUT, hint_for

SOCKETS = "/var/run/postgresql"
SECRETS = "/run/switchyard"
PASSFILE = f"{SECRETS}/pgpass"


@dataclass(frozen=True)
class Mount:
    """A bind mount: a folder of this host in the container."""

    source: str
    target: str
    writable: bool = False

    @property
    def docker_args(self) -> list[str]:
        """The arguments of ``docker run``."""
        mode = "" if self.writable else ",readonly"
        return ["--mount", f"type=bind,source={self.source},target={self.target}{mode}"]


class ClientContainer:
    """A container of PostgreSQL's image that waits for commands, without capabilities and with a read-only root.

    ``docker_args`` are further arguments of ``docker run``: network, scratch space, limits.
    """

    def __init__(
        self, name: str, image: str, labels: dict[str, str], mounts: t.Iterable[Mount], docker_args: t.Iterable[str]
    ) -> None:
        """Describe the container; ``__enter__`` starts it."""
        self.name = name
        self.image = image
        self._run = ["run", "--detach", "--init", "--name", name, "--read-only", "--cap-drop", "ALL"]
        self._run += ["--security-opt", "no-new-privileges", "--user", "0:0", "--workdir", "/", "--stop-timeout", "1"]
        self._run += [
            "--pids-limit",
            str(PIDS),
            "--log-driver",
            "none",
            "--tmpfs",
            "/tmp:mode=1777",
            "--tmpfs",
            f"{SECRETS}:mode=0700",
        ]
        for key, value in labels.items():
            self._run += ["--label", f"{key}={value}"]
        for mount in mounts:
            self._run += mount.docker_args
        self._run += docker_args

    def __enter__(self) -> ClientContainer:
        # A day is longer than any work here: a container that a killed run left ends by itself.
        docker_command(*self._run, "--entrypoint", "sleep", self.image, "86400")
        return self

    def __exit__(self, *dummy: object) -> None:
        remove(self.name)

    def command(self, args: t.Iterable[str], env: t.Mapping[str, str] | None = None, user: str = "0:0") -> list[str]:
        """Return the ``docker exec`` command line. ``env`` shows in process lists: it must not hold secrets."""
        variables = [word for key, value in (env or {}).items() for word in ("--env", f"{key}={value}")]
        return ["docker", "exec", "--interactive", "--user", user, *variables, self.name, *args]

    def call(
        self,
        args: t.Iterable[str],
        env: t.Mapping[str, str] | None = None,
        user: str = "0:0",
        stdin: str = "",
        limit: float | None = RESPONSE_TIMEOUT,
    ) -> str:
        """Run a command in the container and return its standard output.

        ``limit`` is in seconds. Raises CommandError with the last lines of standard error.
        """
        args = list(args)
        result = command.run(self.command(args, env, user), name=args[0], stdin=stdin, timeout=limit, check=False)
        if result.code:
            raise command_failure(args[0], result.code, result.stderr)
        return result.stdout

    def put(self, path: str, content: str) -> None:
        """Write a file that only the container's root can read; the content is not in an argument."""
        # The number of bytes ends the input: after a start of the engine, `docker exec` was seen to lose the end of
        # its standard input, and a `cat` waits for it without end.
        size = str(len(content.encode()))
        self.call(["sh", "-c", 'umask 077 && head -c "$2" > "$1"', "sh", path, size], stdin=content)


def command_failure(program: str, code: int, stderr: str) -> command.CommandError:
    """Return the error of a failed PostgreSQL program: exit code, last lines of standard error, and a hint."""
    error = command.failure(program, code, stderr)
    return command.CommandError(f"{error}{hint_for(str(error))}", code, stderr)


def remove(*containers: str) -> None:
    """Remove containers with their anonymous volumes, running or not."""
    if not containers:
        return
    try:
        docker_command("rm", "--force", "--volumes", "--", *containers)
    except command.CommandError as error:
        # A leftover container ends by itself, and the engine may be removing it at this moment.
        if not are_already_removed(error.output):
            raise
