# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A psql session over pipes, and hints for connection errors."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import selectors
import tempfile
import time
import typing as t

from .. import command
from ..errors import SwitchyardError

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


class PsqlSession:
    """One session with a server, as psql holds it.

    It lives as long as this process: where it is killed, psql reads the end of its input and leaves.
    """

    def __init__(self, args: list[str], about: str) -> None:
        """Start psql. ``about`` is what a message calls the server."""
        self.about = about
        self._mark = secrets.token_hex(12)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._buffer = b""
        self._psql = command.Process(
            args, stdin=command.PIPE, stdout=command.PIPE, stderr=self._complaints, new_session=True
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._psql.stdout, selectors.EVENT_READ)
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
            self._psql.stdin.write(text.encode())
            self._psql.stdin.flush()
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
            self._psql.stdin.close()
        self._psql.kill(grace=5)
        self._selector.close()
        self._psql.close()
        self._complaints.close()

    def __enter__(self) -> PsqlSession:
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
            chunk = os.read(self._psql.stdout.fileno(), 65536)
            if not chunk:
                raise self._lost()
            self._buffer += chunk

    def _lost(self) -> ConnectionLost:
        self._psql.wait(timeout=5)
        self._complaints.seek(0)
        said = self._complaints.read().decode("utf-8", "replace").strip()
        return ConnectionLost(f"{self.about} cannot be used: {said or 'the connection is gone'}{hint_for(said)}")


def hint_for(said: str) -> str:
    """Return what to do about a complaint of PostgreSQL's programs, or nothing."""
    for sign, what in HINTS:
        if re.search(sign, said):
            return f". {what}"
    return ""


HINTS = (
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
