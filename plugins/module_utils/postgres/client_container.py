# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container with psql and pg_dump of the server's own version."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import command
from ..engine.docker_client import are_already_removed, docker_command
from .psql_session import PATIENCE, hint_for

SOCKETS = "/var/run/postgresql"
SECRETS = "/run/switchyard"
PASSFILE = f"{SECRETS}/pgpass"


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


class ClientContainer:
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

    def __enter__(self) -> ClientContainer:
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
        """Run words to their end; return what they wrote. Raises CommandError with what they complained of."""
        args = list(words)
        result = command.run(self.command(args, env, user), name=args[0], stdin=stdin, timeout=limit, check=False)
        if result.code:
            raise command_failure(args[0], result.code, result.stderr)
        return result.stdout

    def put(self, path: str, content: str) -> None:
        """Write a file of the container that only its root can read; the content is in no argument."""
        self.call(["sh", "-c", 'umask 077 && cat > "$1"', "sh", path], stdin=content)


def command_failure(program: str, code: int, output: str) -> command.CommandError:
    """Return the error of a program of PostgreSQL that failed, with its last lines and a hint."""
    error = command.failure(program, code, output)
    return command.CommandError(f"{error}{hint_for(str(error))}", code, output)


def remove(*containers: str) -> None:
    """Remove containers with what they wrote, whatever they do."""
    if not containers:
        return
    try:
        docker_command("rm", "--force", "--volumes", "--", *containers)
    except command.CommandError as error:
        # One that a killed run left ends by itself, and may be going just now.
        if not are_already_removed(error.output):
            raise
