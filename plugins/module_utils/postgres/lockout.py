# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lockouts: the logins of a database are disabled while a restore or a breaking migration runs.

NOLOGIN does not end a login's sessions (measured: an open session continued to write), so they are terminated. A new
transaction then checks that none is left, because pg_stat_activity does not change within a transaction.
"""

from __future__ import annotations

import secrets
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, state_file
from . import hba_lockout
from .psql_session import PsqlSession
from .sessions import sessions, terminate_sessions
from .sql import ident, literal


@state_file.register("lockout.json")
@dataclass(frozen=True)
class Lockout:
    """An active lockout: the database, the disabled logins, and its start in seconds since the epoch.

    With ``whole_database``, the server rejects all connections to it from outside, and no login is disabled.
    """

    id: str
    database: str
    logins: list[str]
    since: float
    whole_database: bool = False
    extra: dict[str, t.Any] = field(default_factory=dict)


class LockoutFile:
    """``lockout.json`` of a stack: the lockout that is active."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the stack's backups."""
        self.path = folder / "lockout.json"

    def read(self) -> Lockout | None:
        """Return the active lockout, or None."""
        return state_file.load(self.path, Lockout)

    def lock_out(
        self, admin_session: PsqlSession, database: str, logins: t.Iterable[str], dedicated: bool = False
    ) -> Lockout:
        """Disable logins and terminate their sessions; an existing lockout is kept and enforced again.

        A ``dedicated`` server rejects connections to the database instead. Raises SwitchyardError when a session does
        not end.
        """
        lockout = self.read() or Lockout(
            secrets.token_hex(4), database, sorted(enabled_logins(admin_session, logins)), time.time(), dedicated
        )
        # Written first: a run that is killed here leaves what the next one needs to lift the lockout.
        state_file.save(self.path, lockout)
        if lockout.whole_database:
            hba_lockout.close(admin_session, lockout.database)
        else:
            disable_logins(admin_session, lockout.logins)
        return lockout

    def lift(self, admin_session: PsqlSession) -> bool:
        """Enable the logins again and remove the file; return whether there was a lockout."""
        lockout = self.read()
        if not lockout:
            return False
        self.admit(admin_session)
        atomic_file.write_or_remove(self.path, None)
        return True

    def admit(self, admin_session: PsqlSession) -> None:
        """Accept logins and connections again, and keep the file: the lockout can be enforced again."""
        lockout = self.read()
        if lockout and lockout.whole_database:
            hba_lockout.open_again(admin_session, lockout.database)
        elif lockout:
            enable_logins(admin_session, lockout.logins)


def enabled_logins(admin_session: PsqlSession, logins: t.Iterable[str]) -> list[str]:
    """Return those of the logins that can log in now."""
    listed = ", ".join(literal(login) for login in logins)
    if not listed:
        return []
    rows = admin_session.rows(f"SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname IN ({listed})")
    return [row["rolname"] for row in rows]


def is_active(admin_session: PsqlSession, lockout: Lockout | None) -> bool:
    """Return whether a lockout is in force: no login of it can log in or has a session."""
    if lockout and lockout.whole_database:
        return hba_lockout.is_closed(admin_session, lockout.database)
    if not lockout or not lockout.logins:
        return False
    return not enabled_logins(admin_session, lockout.logins) and not sessions(admin_session, _of_logins(lockout.logins))


def disable_logins(admin_session: PsqlSession, logins: t.Sequence[str]) -> None:
    """Disable logins and terminate their sessions. Raises SwitchyardError when a session does not end."""
    for login in logins:
        admin_session.run(f"ALTER ROLE {ident(login)} NOLOGIN")
    if logins:
        terminate_sessions(admin_session, _of_logins(logins))


def enable_logins(admin_session: PsqlSession, logins: t.Iterable[str]) -> None:
    """Enable logins again."""
    for login in logins:
        admin_session.run(f"ALTER ROLE {ident(login)} LOGIN")


def _of_logins(logins: t.Iterable[str]) -> str:
    return f"usename IN ({', '.join(literal(login) for login in logins)})"
