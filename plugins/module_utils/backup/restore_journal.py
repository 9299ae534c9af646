# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a restore, and how a run that was killed is brought to an end.

It says what was meant. What stands is told by the server: which database has the name now, by the number that a
renaming does not change.
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
    """A restore that has begun. ``origin`` is what will be known of the new database when it has the name."""

    backup: str
    database: str
    new: str
    kept: str | None
    old_oid: int | None
    new_oid: int | None = None
    logins: list[str] = field(default_factory=list)
    origin: dict[str, t.Any] | None = None
    extra: dict[str, t.Any] = field(default_factory=dict)


def journal_path(folder: Path) -> Path:
    """Return the journal's file in the folder of a stack's backups."""
    return folder / "restore-journal.json"


def origin_path(folder: Path) -> Path:
    """Return the file that says from which backup the database came that stands now."""
    return folder / "restored-from.json"


def load_journal(folder: Path) -> RestoreJournal | None:
    """Return the restore that was not brought to an end, or None."""
    return state_file.load(journal_path(folder), RestoreJournal)


def save_journal(folder: Path, journal: RestoreJournal) -> None:
    """Write the journal down before what it announces is done."""
    state_file.save(journal_path(folder), journal)


def finish_interrupted(admin: PsqlSession, folder: Path) -> str | None:
    """Bring a restore to an end that was killed: ``finished`` where the swap was done, ``undone`` where it was not.

    Afterwards the logins that it kept out can log in, the database can be entered, and what it had loaded is gone or
    has the name. Returns None where there is nothing to do.
    """
    journal = load_journal(folder)
    if not journal:
        return None
    names = catalog.databases_by_oid(admin)
    swapped = journal.new_oid is not None and names.get(journal.new_oid) == journal.database
    if not swapped:
        if journal.old_oid is not None and names.get(journal.old_oid) == journal.database:
            admin.run(f"ALTER DATABASE {ident(journal.database)} ALLOW_CONNECTIONS true")
        if journal.new in names.values():
            admin.run(f"DROP DATABASE {ident(journal.new)} WITH (FORCE)")
    lockout.enable_logins(admin, journal.logins)
    if swapped:
        complete(folder, journal)
        return "finished"
    atomic_file.write_or_remove(journal_path(folder), None)
    return "undone"


def complete(folder: Path, journal: RestoreJournal) -> None:
    """Note from which backup the database is that has the name now; the journal has said all it had to."""
    if journal.origin:
        atomic_file.write_json(origin_path(folder), journal.origin, 0o600)
    atomic_file.write_or_remove(journal_path(folder), None)
