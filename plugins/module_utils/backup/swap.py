# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swaps a restored database with the live one by renaming both in one transaction."""

from __future__ import annotations

import time

from ..errors import SwitchyardError, report
from ..postgres import change_counters, lockout, sessions
from ..postgres.psql_session import ConnectionLost, PsqlSession
from ..postgres.server import PostgresServer
from ..postgres.sql import ident, literal
from . import restore_journal
from .dump_process import timed
from .manifest import Manifest
from .restore_journal import RestoreJournal
from .restore_plan import RestoreFacts, RestorePlan, RestoreRequest, check_discarded_changes
from .store import BackupStore

# Seconds to wait for a server that crashed during the swap.
RECOVERY_TIMEOUT = 120.0


def swap_databases(
    admin_session: PsqlSession,
    restore_request: RestoreRequest,
    manifest: Manifest,
    plan: RestorePlan,
    facts: RestoreFacts,
    journal: RestoreJournal,
    seconds: dict[str, float],
) -> int | None:
    """Rename the new database to the live name behind a lockout; return the number of discarded changes.

    Raises SwitchyardError when more changes would be discarded than allowed. The journal says then, as after a kill,
    what has to be undone.
    """
    changes = plan.discarded_changes
    with timed(seconds, "outage"):
        lockout.disable_logins(admin_session, journal.logins)
        if facts.database:
            block_connections(admin_session, plan.database)
            changes = final_change_count(admin_session, restore_request, manifest, plan, facts)
        # One transaction: both are renamed or none, also when this process or the server ends.
        admin_session.run("BEGIN")
        if plan.retained_database:
            admin_session.run(f"ALTER DATABASE {ident(plan.database)} RENAME TO {ident(plan.retained_database)}")
        admin_session.run(f"ALTER DATABASE {ident(plan.new_database)} RENAME TO {ident(plan.database)}")
        admin_session.run("COMMIT")
        lockout.enable_logins(admin_session, journal.logins)
    return changes


def block_connections(admin_session: PsqlSession, database: str) -> None:
    """Make a database reject all connections, and terminate the sessions in it."""
    admin_session.run(f"ALTER DATABASE {ident(database)} ALLOW_CONNECTIONS false")
    sessions.terminate_sessions(admin_session, f"datname = {literal(database)}")


def final_change_count(
    admin_session: PsqlSession,
    restore_request: RestoreRequest,
    manifest: Manifest,
    plan: RestorePlan,
    facts: RestoreFacts,
) -> int | None:
    """Return the changes that will be discarded, counted after writes are blocked; None if unknown.

    Raises SwitchyardError when they are more than allowed.
    """
    if plan.locked_out or not facts.baseline or not facts.counters:
        return plan.discarded_changes
    last = change_counters.count_changes_from_outside(admin_session, plan.database, int(facts.counters["own"]))
    changes = change_counters.changes_since(facts.baseline, last)
    problems = check_discarded_changes(restore_request.max_discarded_changes, changes, manifest)
    if problems:
        raise SwitchyardError(report(problems, "More was written in the meantime"))
    return changes


def undo_failed_swap(server: PostgresServer, store: BackupStore) -> str | None:
    """Finish a failed restore, as ``finish_interrupted`` does; None if the server does not return in time."""
    deadline = time.monotonic() + RECOVERY_TIMEOUT
    while True:
        try:
            with server.session() as admin_session:
                return restore_journal.finish_interrupted(admin_session, store.folder)
        except ConnectionLost:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.5)
