# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many rows pg_dump or pg_restore has copied so far.

With ``--verbose`` the programs print the table they are working on; the server's view pg_stat_progress_copy has the
rows of that table (manual, "COPY Progress Reporting", new in PostgreSQL 14). The rows that a restore has loaded are
visible in no other way before it commits.
"""

from __future__ import annotations

import contextlib
import re
import typing as t
from pathlib import Path

from .. import progress
from ..errors import SwitchyardError
from ..postgres.psql_session import PsqlSession
from ..postgres.server import PostgresServer
from ..postgres.sql import literal
from .dump_process import DumpProcess

Tables = t.Mapping[str, t.Mapping[str, t.Any]]

# Only this run's connections. The view hides the numbers of logins that the session may not read: they are NULL.
_COPYING = """
SELECT p.pid, p.relid::int8 AS relid, p.tuples_processed AS rows
FROM pg_stat_progress_copy p JOIN pg_stat_activity a ON a.pid = p.pid
WHERE a.application_name = {name} AND p.tuples_processed IS NOT NULL
"""

# Messages of pg_dump and pg_restore --verbose
_STARTED = re.compile(r'pg_\w+: (?:dumping contents of|processing data for) table "(.*)"$')
_FINISHED = re.compile(r"pg_\w+: finished item \d+ TABLE DATA (.*)$")

# Seconds: a slow answer must not delay the end of the work.
QUERY_TIMEOUT = 5.0


class CopiedRows:
    """The rows copied so far, from the program's messages and the server's view.

    ``tables`` has the rows of each table and may still grow. ``of`` is the total, None while it is being counted.
    """

    def __init__(self, tables: Tables, of: int | None = None, parallel: bool = False) -> None:
        """Take the tables; ``parallel`` means that several processes copy at the same time."""
        self.tables = tables
        self.of = of
        self.parallel = parallel
        self._last_table_done = False
        self._started: list[str] = []
        self._finished: list[str] = []
        self._highest: dict[tuple[int, int], int] = {}
        self._most = 0

    def read_line(self, line: str) -> None:
        """Take a line that the program printed."""
        started, finished = _STARTED.match(line), _FINISHED.match(line)
        self._last_table_done = not started
        if started:
            self._started.append(started.group(1))
        if finished:
            self._finished.append(finished.group(1))

    def rows(self, running: t.Iterable[t.Mapping[str, int]]) -> int:
        """Return the rows copied so far; ``running`` are the rows of the server's view.

        The result is a lower bound and never decreases: program and server are not read at the same moment.
        """
        now = {(int(row["pid"]), int(row["relid"])): int(row["rows"]) for row in running}
        self._highest.update(now)
        totals = {unquoted(name): int(table["rows"]) for name, table in dict(self.tables).items()}
        finished = sum(totals.get(name, 0) for name in self._finished_tables())
        # A finished table may not be counted yet; then the highest number of the view is all that is known of it.
        self._most = max(self._most, finished + sum(now.values()), sum(self._highest.values()))
        return self._most if self.of is None else min(self._most, self.of)

    def _finished_tables(self) -> list[str]:
        if not self.parallel:
            # One table after the other: the last one is being copied until the program prints something else.
            return self._started if self._last_table_done else self._started[:-1]
        # Parallel workers report a finished table without its schema.
        remaining, matches = list(self._finished), []
        for name in self._started:
            table = next((table for table in remaining if name.endswith(f".{table}")), None)
            if table is not None:
                remaining.remove(table)
                matches.append(name)
        return matches


def unquoted(name: str) -> str:
    """Return a table's name without quotes, as the programs print it."""
    return re.sub(r'"((?:[^"]|"")*)"', lambda match: match.group(1).replace('""', '"'), name)


@contextlib.contextmanager
def follow_copy(
    folder: Path, step: str, server: PostgresServer | None, copied: CopiedRows, process: DumpProcess
) -> t.Iterator[None]:
    """Report the progress of a program to a stack's folder; a short run does not query the server."""
    with contextlib.ExitStack() as stack:
        poller = _ProgressPoller(stack, server, copied, process)
        # This context ends before the session is closed: its thread is the only one that uses the session.
        with progress.report_progress(folder, step, poller.amount):
            yield


class _ProgressPoller:
    """Reads the progress of one program; used by one thread."""

    def __init__(
        self, stack: contextlib.ExitStack, server: PostgresServer | None, copied: CopiedRows, process: DumpProcess
    ) -> None:
        self._stack, self._server, self._copied, self._process = stack, server, copied, process
        self._session: PsqlSession | None = None
        self._offset = 0
        self._rest = b""

    def amount(self) -> progress.Amount:
        output = self._process.stderr_from(self._offset)
        self._offset += len(output)
        *lines, self._rest = (self._rest + output).split(b"\n")
        for line in lines:
            self._copied.read_line(line.decode("utf-8", "replace"))
        return self._copied.rows(self._running()), self._copied.of

    def _running(self) -> list[dict[str, int]]:
        if not self._server:
            return []
        try:
            if not self._session:
                self._session = self._stack.enter_context(self._server.session())
            query = _COPYING.format(name=literal(self._server.application_name))
            return self._session.rows(query, QUERY_TIMEOUT)
        except SwitchyardError:
            # A server without this view: only finished tables can be reported.
            self._server = None
            return []
