# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of a server that a condition selects, and their end."""

from __future__ import annotations

import time

from ..errors import SwitchyardError
from .psql_session import PsqlSession

# Seconds to wait for terminated sessions. A backend ends at its next check for interrupts; a slow disk delays that.
TERMINATION_TIMEOUT = 15.0


def sessions(admin_session: PsqlSession, condition: str) -> list[str]:
    """Return the logins and application names of sessions, by a condition on ``pg_stat_activity``."""
    rows = admin_session.rows(
        "SELECT DISTINCT usename, application_name FROM pg_stat_activity"
        f" WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND {condition}"
    )
    return sorted(f"{row['usename']} ({row['application_name'] or 'no name'})" for row in rows)


def terminate_sessions(admin_session: PsqlSession, condition: str, limit: float = TERMINATION_TIMEOUT) -> None:
    """Terminate sessions, by a condition on ``pg_stat_activity``, and wait until they have ended.

    ``limit`` is in seconds. Raises SwitchyardError with the sessions that remain after it.
    """
    deadline = time.monotonic() + limit
    while True:
        admin_session.run(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            f" WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND {condition}"
        )
        remaining = sessions(admin_session, condition)
        if not remaining:
            return
        if time.monotonic() > deadline:
            raise SwitchyardError(f"Sessions do not end: {', '.join(remaining)}. End them, and start again.")
