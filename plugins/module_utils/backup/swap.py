# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swaps a restored database with the live one by renaming both in one transaction."""

from __future__ import annotations

import time

from ..errors import SwitchyardError, report
from ..postgres import change_counters, lockout
from ..postgres.psql_session import ConnectionLost, PsqlSession
from ..postgres.server import PostgresServer
from ..postgres.sql import ident, literal
from . import restore_journal
from .dump_process import timed
from .manifest import Manifest
from .restore_journal import RestoreJournal
from .restore_plan import RestoreFacts, RestorePlan, RestoreRequest, check_discarded_changes
from .store import BackupStore

# So long a server that died inside the swap is waited for.
RECOVERY = 120.0


def swap_databases(
    admin: PsqlSession,
    asked: RestoreRequest,
    manifest: Manifest,
    made: RestorePlan,
    seen: RestoreFacts,
    journal: RestoreJournal,
    timing: dict[str, float],
) -> int | None:
    """Give the new database the name, behind a fence; return how many changes were set aside.

    Raises SwitchyardError where more would be set aside than was named. Then, as after a kill, the journal tells what
    is to be put back.
    """
    changes = made.changes
    with timed(timing, "outage"):
        lockout.disable_logins(admin, journal.logins)
        if seen.database:
            block_connections(admin, made.database)
            changes = final_change_count(admin, asked, manifest, made, seen)
        # Both or neither, whatever happens to this process or to the server.
        admin.run("BEGIN")
        if made.kept:
            admin.run(f"ALTER DATABASE {ident(made.database)} RENAME TO {ident(made.kept)}")
        admin.run(f"ALTER DATABASE {ident(made.new)} RENAME TO {ident(made.database)}")
        admin.run("COMMIT")
        lockout.enable_logins(admin, journal.logins)
    return changes


def block_connections(admin: PsqlSession, database: str) -> None:
    """Let nobody at all into a database any more, also no login that nobody named, and end the sessions in it."""
    admin.run(f"ALTER DATABASE {ident(database)} ALLOW_CONNECTIONS false")
    lockout.terminate_sessions(admin, f"datname = {literal(database)}")


def final_change_count(
    admin: PsqlSession, asked: RestoreRequest, manifest: Manifest, made: RestorePlan, seen: RestoreFacts
) -> int | None:
    """Return the changes that will be set aside, when nobody can make more. Raises SwitchyardError at too many."""
    if made.fenced or not seen.baseline or not seen.now:
        return made.changes
    last = change_counters.count_changes_from_outside(admin, made.database, int(seen.now["own"]))
    changes = change_counters.changes_since(seen.baseline, last)
    found = check_discarded_changes(asked.set_aside, changes, manifest)
    if found:
        raise SwitchyardError(report(found, "More was written meanwhile"))
    return changes


def undo_failed_swap(server: PostgresServer, shelf: BackupStore) -> str | None:
    """Bring a failed restore to an end, where the server is there again in time; return how, as ``recover`` does."""
    deadline = time.monotonic() + RECOVERY
    while True:
        try:
            with server.session() as admin:
                return restore_journal.finish_interrupted(admin, shelf.folder)
        except ConnectionLost:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.5)
