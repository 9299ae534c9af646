# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fence around a database: nobody whom it names can write, however they come.

A login that may not log in any more still has its sessions (measured: an existing session went on writing), so these
are ended, and a new transaction looks whether any is left: within one, the list of sessions does not change.
"""

from __future__ import annotations

import secrets
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, state_file
from ..errors import SwitchyardError
from .psql_session import PsqlSession
from .sql import ident, literal

# A session that was told to end does so at its next look; waiting on a disk can delay that.
LIMIT = 15.0


@state_file.register("lockout.json")
@dataclass(frozen=True)
class Lockout:
    """A fence that stands: since when (epoch), around which database, and the logins that it keeps out."""

    id: str
    database: str
    logins: list[str]
    since: float
    extra: dict[str, t.Any] = field(default_factory=dict)


class LockoutFile:
    """The file that remembers a stack's fence while it stands."""

    def __init__(self, folder: Path) -> None:
        """Take the folder of the stack's backups."""
        self.path = folder / "lockout.json"

    def read(self) -> Lockout | None:
        """Return the fence, or None."""
        return state_file.load(self.path, Lockout)

    def up(self, admin: PsqlSession, database: str, logins: t.Iterable[str]) -> Lockout:
        """Put a fence around a database; one that stands already is kept and closed again where it leaks."""
        fence = self.read() or Lockout(
            secrets.token_hex(4), database, sorted(enabled_logins(admin, logins)), time.time()
        )
        # Known before anything is done: a run that is killed here leaves what the next one needs to lift it.
        state_file.save(self.path, fence)
        disable_logins(admin, fence.logins)
        return fence

    def down(self, admin: PsqlSession) -> bool:
        """Lift the fence; return whether one stood."""
        fence = self.read()
        if not fence:
            return False
        enable_logins(admin, fence.logins)
        atomic_file.write_or_remove(self.path, None)
        return True


def enabled_logins(admin: PsqlSession, logins: t.Iterable[str]) -> list[str]:
    """Return those of the logins that can log in now."""
    wanted = ", ".join(literal(login) for login in logins)
    if not wanted:
        return []
    return [
        row["rolname"]
        for row in admin.rows(f"SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname IN ({wanted})")
    ]


def is_active(admin: PsqlSession, fence: Lockout | None) -> bool:
    """Return whether a fence really stands: none of its logins can log in, none has a session."""
    if not fence or not fence.logins:
        return False
    return not enabled_logins(admin, fence.logins) and not sessions(admin, _of_logins(fence.logins))


def disable_logins(admin: PsqlSession, logins: t.Sequence[str]) -> None:
    """Keep logins out and end their sessions. Raises SwitchyardError where one stays."""
    for login in logins:
        admin.run(f"ALTER ROLE {ident(login)} NOLOGIN")
    if logins:
        terminate_sessions(admin, _of_logins(logins))


def enable_logins(admin: PsqlSession, logins: t.Iterable[str]) -> None:
    """Let logins in again."""
    for login in logins:
        admin.run(f"ALTER ROLE {ident(login)} LOGIN")


def sessions(admin: PsqlSession, which: str) -> list[str]:
    """Return who has a session, by a condition on ``pg_stat_activity``."""
    found = admin.rows(
        "SELECT DISTINCT usename, application_name FROM pg_stat_activity"
        f" WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND {which}"
    )
    return sorted(f"{row['usename']} ({row['application_name'] or 'no name'})" for row in found)


def terminate_sessions(admin: PsqlSession, which: str, limit: float = LIMIT) -> None:
    """End sessions, by a condition on ``pg_stat_activity``, and wait until they are gone."""
    deadline = time.monotonic() + limit
    while True:
        admin.run(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            f" WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND {which}"
        )
        left = sessions(admin, which)
        if not left:
            return
        if time.monotonic() > deadline:
            raise SwitchyardError(f"Sessions do not end: {', '.join(left)}. End them, and start again.")


def _of_logins(logins: t.Iterable[str]) -> str:
    return f"usename IN ({', '.join(literal(login) for login in logins)})"
