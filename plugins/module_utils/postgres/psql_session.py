# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A psql session over pipes, and hints for connection errors.

Why psql and not psycopg2, which the role ``host`` installs: dumps and loads need pg_dump and pg_restore of the
server's own version, so a container of the server's image is started in any case. A server's socket or network is
often reachable from such a container only. With psql in the same container, sessions and dumps share one route, one
password file in the container's memory and one TLS configuration. No wire protocol is implemented here.
"""

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

# Seconds that a statement may take; long ones pass another limit.
RESPONSE_TIMEOUT = 600.0

# libpq sends these at connection start, where they win over the settings of roles and databases. Comparisons need the
# same text on every server, and a tenant's settings must not end our sessions. With an empty search path, no function
# of a tenant replaces one of PostgreSQL. A backend whose client died ends after two seconds.
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
    """The server, or the connection to it, is gone."""


class QueryError(SwitchyardError):
    """The server rejected a statement; ``state`` is its SQLSTATE (manual, appendix A)."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class PsqlSession:
    """One database session, held by a psql process.

    It ends with this process: when this process is killed, psql reads the end of its input and exits.
    """

    def __init__(self, args: list[str], about: str) -> None:
        """Start psql. ``about`` names the server in messages. Raises ConnectionLost when it cannot connect."""
        self.about = about
        self._mark = secrets.token_hex(12)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self._buffer = b""
        self._psql = command.Process(
            args, stdin=command.PIPE, stdout=command.PIPE, stderr=self._stderr, new_session=True
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._psql.stdout, selectors.EVENT_READ)
        try:
            self.run("SELECT 1")
        except BaseException:
            self.close()
            raise

    def run(self, statement: str, limit: float | None = RESPONSE_TIMEOUT) -> list[str]:
        """Run one statement and return the lines of its result; ``limit`` is in seconds.

        Raises QueryError when the server rejects it, ConnectionLost when the server is gone, SwitchyardError when
        the limit has passed; the session has ended then.
        """
        # An error message can have several lines: the second mark ends it.
        text = f"{statement}\n;\n\\echo {self._mark} :SQLSTATE\n\\echo :LAST_ERROR_MESSAGE\n\\echo {self._mark}\n"
        try:
            self._psql.stdin.write(text.encode())
            self._psql.stdin.flush()
        except OSError:
            raise self._lost() from None
        deadline = None if limit is None else time.monotonic() + limit
        lines = self._read_until(f"{self._mark} ", deadline)
        state = lines.pop().split(" ", 1)[1]
        message = self._read_until(self._mark, deadline)[:-1]
        if state != "00000":
            raise QueryError(f"{self.about}: {' '.join(message)}", state)
        return lines

    def rows(self, query: str, limit: float | None = RESPONSE_TIMEOUT) -> list[dict[str, t.Any]]:
        """Return the rows of a query, each as a dictionary."""
        # jsonb prints on one line, and its line breaks are escaped.
        lines = self.run(f"SELECT to_jsonb(asked) FROM ({query}\n) AS asked", limit)
        return [json.loads(line) for line in lines if line]

    def one(self, query: str, limit: float | None = RESPONSE_TIMEOUT) -> dict[str, t.Any]:
        """Return the only row of a query."""
        return self.rows(query, limit)[0]

    def close(self) -> None:
        """End the session."""
        with contextlib.suppress(OSError):
            self._psql.stdin.close()
        self._psql.kill(grace=5)
        self._selector.close()
        self._psql.close()
        self._stderr.close()

    def __enter__(self) -> PsqlSession:
        return self

    def __exit__(self, *dummy: object) -> None:
        self.close()

    def _read_until(self, start: str, deadline: float | None) -> list[str]:
        lines: list[str] = []
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                lines.append(line.decode("utf-8", "replace"))
                if lines[-1].startswith(start):
                    return lines
                continue
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and (remaining <= 0 or not self._selector.select(remaining)):
                self._psql.kill()
                raise SwitchyardError(f"{self.about} did not answer in time. The session was ended.")
            chunk = os.read(self._psql.stdout.fileno(), 65536)
            if not chunk:
                raise self._lost()
            self._buffer += chunk

    def _lost(self) -> ConnectionLost:
        self._psql.wait(timeout=5)
        self._stderr.seek(0)
        text = self._stderr.read().decode("utf-8", "replace").strip()
        return ConnectionLost(f"{self.about} cannot be used: {text or 'the connection is gone'}{hint_for(text)}")


def hint_for(message: str) -> str:
    """Return what to do about an error message of PostgreSQL's programs, or an empty text."""
    for pattern, hint in HINTS:
        if re.search(pattern, message):
            return f". {hint}"
    return ""


# Messages of libpq and of PostgreSQL's client programs, which are not translated in the images that we start.
HINTS = (
    ("password authentication failed|no password supplied", "Check user and password."),
    ("no pg_hba.conf entry|[Pp]eer authentication failed", "pg_hba.conf rejects this login. Run setup.yml."),
    (
        "could not translate host|[Cc]onnection refused|timeout expired|No route|Network is unreachable|No such file",
        "Check that the server runs and that host and port are right.",
    ),
    ("root certificate|certificate verify failed|does not support SSL", "Check tls and tls_ca."),
    ("too many connections|remaining connection slots", "Raise the connection limit, or try again later."),
    ("server version mismatch", "The image's PostgreSQL is older than the server. Use a newer image."),
    ("No space left on device", "Free some disk space."),
)
