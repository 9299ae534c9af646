# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lockout of a dedicated server: its pg_hba.conf rejects every connection to one database from outside.

The application's login is often the only administrator there. Disabled, no session could enable it again; and no limit
applies to a superuser. Lines of pg_hba.conf do. A migration connects from the server's own network namespace, whose
addresses are ``samehost`` (manual, "The pg_hba.conf File"); only the server's container and ours are in it.
"""

from __future__ import annotations

import time

from ..errors import SwitchyardError
from .psql_session import PsqlSession, QueryError
from .sessions import sessions, terminate_sessions
from .sql import literal

# Seconds
RELOAD_TIMEOUT = 15.0

BEGIN, END = "# BEGIN switchyard lockout", "# END switchyard lockout"

# lo_export writes the bytes as they are, with the server's user; COPY would escape them.
_WRITE = """
DO $switchyard$
DECLARE object oid := lo_from_bytea(0, convert_to({content}, 'UTF8'));
BEGIN
    PERFORM lo_export(object, current_setting('hba_file'));
    PERFORM lo_unlink(object);
END $switchyard$
"""
_LOADED = "SELECT pg_conf_load_time() AS at"
_CLOSED = """
SELECT FROM pg_hba_file_rules WHERE auth_method = 'reject' AND database = ARRAY[{database}]
"""


def close(admin_session: PsqlSession, database: str) -> None:
    """Reject new connections to a database from outside, and terminate all sessions in it.

    Raises SwitchyardError when pg_hba.conf cannot be written, or a session does not end.
    """
    content = without_block(_read(admin_session))
    _write(admin_session, block(database) + content, database)
    terminate_sessions(admin_session, _outside(database))


def open_again(admin_session: PsqlSession, database: str) -> None:
    """Accept connections again; without a lockout nothing is written."""
    content = _read(admin_session)
    if BEGIN in content:
        _write(admin_session, without_block(content), database)


def is_closed(admin_session: PsqlSession, database: str) -> bool:
    """Return whether the database accepts no connection from outside and has no session from there."""
    rejects = admin_session.rows(_CLOSED.format(database=literal(database)))
    return bool(rejects) and not sessions(admin_session, _outside(database))


def block(database: str) -> str:
    """Return the lines that reject connections to a database. Raises SwitchyardError for a name with a line break."""
    if "\n" in database or "\r" in database:
        raise SwitchyardError(f"{database!r} has a line break in its name, which pg_hba.conf cannot hold.")
    name = '"' + database.replace('"', '""') + '"'
    rules = [f"host {name} all samehost trust", f"host {name} all all reject"]
    return "".join(f"{line}\n" for line in (BEGIN, *rules, END))


def without_block(content: str) -> str:
    """Return the content of pg_hba.conf without the lines of a lockout."""
    kept, inside = [], False
    for line in content.splitlines(keepends=True):
        inside = inside or line.strip() == BEGIN
        if not inside:
            kept.append(line)
        inside = inside and line.strip() != END
    return "".join(kept)


def _outside(database: str) -> str:
    """Return the condition on ``pg_stat_activity`` for all sessions but those of this run, by its name."""
    return f"datname = {literal(database)} AND application_name <> current_setting('application_name')"


def _read(admin_session: PsqlSession) -> str:
    return str(admin_session.one("SELECT pg_read_file(current_setting('hba_file')) AS content")["content"])


def _write(admin_session: PsqlSession, content: str, database: str) -> None:
    try:
        admin_session.run(_WRITE.format(content=literal(content)))
    except QueryError as error:
        # The message has the text of the cause.
        raise SwitchyardError(
            f"pg_hba.conf of {admin_session.about} cannot be written ({error}), so {database} stays open to other"
            " clients. Let the server write it, or use kind: expand."
        ) from None
    _reload(admin_session)


def _reload(admin_session: PsqlSession) -> None:
    """Make the server read its files again, and wait until it has."""
    loaded = admin_session.one(_LOADED)
    admin_session.run("SELECT pg_reload_conf()")
    deadline = time.monotonic() + RELOAD_TIMEOUT
    # The server signals its sessions in the same step in which it reads pg_hba.conf, before its next connection.
    while admin_session.one(_LOADED) == loaded:
        if time.monotonic() > deadline:
            raise SwitchyardError(f"{admin_session.about} does not read pg_hba.conf again. Look into its log.")
        time.sleep(0.02)
