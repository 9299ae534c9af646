# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many rows pg_dump or pg_restore has copied, while it runs.

With ``--verbose`` the programs say at which table they are; the server says how many rows of that one are done
(manual, "COPY Progress Reporting", new in 14). What a restore has loaded nobody else can see before it is committed.
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

# A connection of a run has the name of its container. A server tells no numbers of a login that we may not look at.
_COPYING = """
SELECT p.pid, p.relid::int8 AS relid, p.tuples_processed AS rows
FROM pg_stat_progress_copy p JOIN pg_stat_activity a ON a.pid = p.pid
WHERE a.application_name = {name} AND p.tuples_processed IS NOT NULL
"""

_BEGUN = re.compile(r'pg_\w+: (?:dumping contents of|processing data for) table "(.*)"$')
_ENDED = re.compile(r"pg_\w+: finished item \d+ TABLE DATA (.*)$")

# A look at the server must not hold up what waits for its end.
LIMIT = 5.0


class CopiedRows:
    """The rows that were copied, by what a program says and what the server sees.

    ``tables`` has the rows of each table; it may still grow. ``of`` is how many there are in all, None where nobody
    has counted them yet.
    """

    def __init__(self, tables: Tables, of: int | None = None, parallel: bool = False) -> None:
        """Say what is copied, and whether by several processes."""
        self.tables = tables
        self.of = of
        self.parallel = parallel
        self._beyond = False
        self._begun: list[str] = []
        self._ended: list[str] = []
        self._seen: dict[tuple[int, int], int] = {}
        self._most = 0

    def hear(self, line: str) -> None:
        """Take a line that the program wrote."""
        begun, ended = _BEGUN.match(line), _ENDED.match(line)
        self._beyond = not begun
        if begun:
            self._begun.append(begun.group(1))
        if ended:
            self._ended.append(ended.group(1))

    def rows(self, running: t.Iterable[t.Mapping[str, int]]) -> int:
        """Return how many rows are done; ``running`` is what the server copies now.

        It is at least so many, and never less than before: program and server are not asked at the same moment.
        """
        now = {(int(one["pid"]), int(one["relid"])): int(one["rows"]) for one in running}
        self._seen.update(now)
        known = {plain(name): int(one["rows"]) for name, one in dict(self.tables).items()}
        whole = sum(known.get(name, 0) for name in self._through())
        # A table that is through may not be counted yet; then what was seen of it is all that is known.
        self._most = max(self._most, whole + sum(now.values()), sum(self._seen.values()))
        return self._most if self.of is None else min(self._most, self.of)

    def _through(self) -> list[str]:
        if not self.parallel:
            # One after the other: the last one is at work until something else is told.
            return self._begun if self._beyond else self._begun[:-1]
        # What several processes end is named without its schema.
        left, found = list(self._ended), []
        for name in self._begun:
            tail = next((one for one in left if name.endswith(f".{one}")), None)
            if tail is not None:
                left.remove(tail)
                found.append(name)
        return found


def plain(name: str) -> str:
    """Return a table's name as the programs write it, without quotes."""
    return re.sub(r'"((?:[^"]|"")*)"', lambda found: found.group(1).replace('""', '"'), name)


@contextlib.contextmanager
def follow_copy(
    folder: Path, step: str, server: PostgresServer | None, copied: CopiedRows, running: DumpProcess
) -> t.Iterator[None]:
    """Tell how far a program is, in a stack's folder; the server is asked only when it takes long."""
    with contextlib.ExitStack() as stack:
        follower = _ProgressPoller(stack, server, copied, running)
        # Left before the session is closed: its thread is the only one that uses it.
        with progress.report_progress(folder, step, follower.look):
            yield


class _ProgressPoller:
    """Looks at one program; used by one thread."""

    def __init__(
        self, stack: contextlib.ExitStack, server: PostgresServer | None, copied: CopiedRows, running: DumpProcess
    ) -> None:
        self._stack, self._server, self._copied, self._running = stack, server, copied, running
        self._session: PsqlSession | None = None
        self._heard = 0
        self._rest = b""

    def look(self) -> progress.Amount:
        said = self._running.said(self._heard)
        self._heard += len(said)
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            self._copied.hear(line.decode("utf-8", "replace"))
        return self._copied.rows(self._copying()), self._copied.of

    def _copying(self) -> list[dict[str, int]]:
        if not self._server:
            return []
        try:
            if not self._session:
                self._session = self._stack.enter_context(self._server.session())
            return self._session.rows(_COPYING.format(name=literal(self._server.bench.name[:63])), LIMIT)
        except SwitchyardError:
            # An older server has no such view. Then whole tables are all that can be told.
            self._server = None
            return []
