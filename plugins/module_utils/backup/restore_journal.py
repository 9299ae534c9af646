# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a restore, by which the next run finishes an interrupted one.

The journal has the intention. The server has the facts: which database has the name now, by the oid that a renaming
does not change.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, state_file
from ..postgres import catalog, lockout
from ..postgres.psql_session import PsqlSession
from ..postgres.sql import ident


@state_file.register("restore-journal.json")
@dataclass(frozen=True)
class RestoreJournal:
    """A restore in progress. ``origin`` is stored as the database's origin after the swap."""

    backup: str
    database: str
    new_database: str
    retained_database: str | None
    old_oid: int | None
    new_oid: int | None = None
    logins: list[str] = field(default_factory=list)
    origin: dict[str, t.Any] | None = None
    extra: dict[str, t.Any] = field(default_factory=dict)


def journal_path(folder: Path) -> Path:
    """Return the journal's file in the folder of a stack's backups."""
    return folder / "restore-journal.json"


def origin_path(folder: Path) -> Path:
    """Return the file that names the backup from which the present database was restored."""
    return folder / "restored-from.json"


def load_journal(folder: Path) -> RestoreJournal | None:
    """Return the interrupted restore, or None."""
    return state_file.load(journal_path(folder), RestoreJournal)


def save_journal(folder: Path, journal: RestoreJournal) -> None:
    """Write the journal; this happens before each step that it announces."""
    state_file.save(journal_path(folder), journal)


def finish_interrupted(admin_session: PsqlSession, folder: Path) -> str | None:
    """Finish an interrupted restore: ``finished`` when the swap was done, ``undone`` when not, None without one.

    Afterwards the disabled logins and the database accept connections again, and the loaded database either has the
    name or is dropped.
    """
    journal = load_journal(folder)
    if not journal:
        return None
    names = catalog.databases_by_oid(admin_session)
    swapped = journal.new_oid is not None and names.get(journal.new_oid) == journal.database
    if not swapped:
        if journal.old_oid is not None and names.get(journal.old_oid) == journal.database:
            admin_session.run(f"ALTER DATABASE {ident(journal.database)} ALLOW_CONNECTIONS true")
        if journal.new_database in names.values():
            admin_session.run(f"DROP DATABASE {ident(journal.new_database)} WITH (FORCE)")
    lockout.enable_logins(admin_session, journal.logins)
    if swapped:
        complete(folder, journal)
        return "finished"
    atomic_file.write_or_remove(journal_path(folder), None)
    return "undone"


def complete(folder: Path, journal: RestoreJournal) -> None:
    """Store the database's origin and remove the journal."""
    if journal.origin:
        atomic_file.write_json(origin_path(folder), journal.origin, 0o600)
    atomic_file.write_or_remove(journal_path(folder), None)
