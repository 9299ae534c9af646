# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions of a migration: what blocks them, and the schema they leave.

A backend continues after its client was killed, and commits (measured). So the sessions of a migration are found by
their login, and by the application name of their connections.
"""

from __future__ import annotations

from ..config.stack import SchemaCheck
from ..errors import SwitchyardError
from . import catalog, sessions
from .psql_session import PsqlSession, QueryError
from .sql import ident, literal

# The application name of a migration's connections; an application may set another one.
APPLICATION = "switchyard-migrate"

# How soon a backend notices that its client is gone, so that it commits nothing afterwards. New in PostgreSQL 14.
CLIENT_CHECK = "1s"

# The logins that could write during a migration; superusers are left out.
_LOGINS = """
SELECT rolname AS name FROM pg_roles
WHERE rolcanlogin AND NOT rolsuper AND has_database_privilege(oid, {database}, 'CONNECT') ORDER BY 1
"""

# The text of a query is left out: it may contain rows.
_BLOCKERS = """
SELECT DISTINCT b.pid, b.usename AS login, b.application_name AS application, b.state,
    coalesce(host(b.client_addr), 'the server itself') AS client,
    extract(epoch FROM clock_timestamp() - coalesce(b.xact_start, b.query_start))::int8 AS seconds
FROM pg_stat_activity a
CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS p(pid)
JOIN pg_stat_activity b ON b.pid = p.pid
WHERE a.wait_event_type = 'Lock' AND {condition}
ORDER BY b.pid
"""

_INVALID = """
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i'
-- An index that is being created now is not valid yet.
AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
ORDER BY 1
"""


def session_options(lock_timeout: float, version: int) -> str:
    """Return libpq's PGOPTIONS of a migration; ``lock_timeout`` is in seconds, ``version`` as server_version_num."""
    settings = {"lock_timeout": f"{int(lock_timeout * 1000)}"}
    if version >= 140000:
        settings["client_connection_check_interval"] = CLIENT_CHECK
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def set_lock_timeout(admin_session: PsqlSession, database: str, login: str, lock_timeout: float) -> None:
    """Set a migrator's lock timeout in a database, in seconds; some drivers do not read PGOPTIONS."""
    head = f"ALTER ROLE {ident(login)} IN DATABASE {ident(database)}"
    admin_session.run(f"{head} SET lock_timeout TO {int(lock_timeout * 1000)}")


def of_migration(database: str, login: str | None) -> str:
    """Return the condition on ``pg_stat_activity`` for a migration's sessions; ``login`` is the migrator, if any."""
    named = f"application_name = {literal(APPLICATION)}"
    own = f"({named} OR usename = {literal(login)})" if login else named
    return f"datname = {literal(database)} AND {own}"


def terminate_sessions(admin_session: PsqlSession, database: str, login: str | None) -> list[str]:
    """Terminate the sessions that an interrupted migration left; return their logins and application names."""
    condition = of_migration(database, login)
    remaining = sessions.sessions(admin_session, condition)
    if remaining:
        sessions.terminate_sessions(admin_session, condition)
    return remaining


def blockers(admin_session: PsqlSession, database: str, login: str | None) -> list[str]:
    """Return a line for each session that holds a lock the migration is waiting for."""
    condition = f"a.datname = {literal(database)} AND a.application_name = {literal(APPLICATION)}"
    if login:
        condition = f"a.datname = {literal(database)} AND a.usename = {literal(login)}"
    return [
        f"{row['login'] or 'the server itself'} (pid {row['pid']}, {row['application'] or 'no name'}, from"
        f" {row['client']}, {row['state'] or 'working'}, its transaction began {row['seconds']} s ago)"
        for row in admin_session.rows(_BLOCKERS.format(condition=condition))
    ]


def enabled_logins(admin_session: PsqlSession, database: str) -> list[str]:
    """Return the logins that can connect to a database and are not superusers."""
    return [row["name"] for row in admin_session.rows(_LOGINS.format(database=literal(database)))]


def check_result(session: PsqlSession, schema_check: SchemaCheck | None) -> None:
    """Check the schema after a migration: no invalid index, and the schema check's query returns its answer.

    Raises SwitchyardError with every mistake.
    """
    mistakes = [
        f"the index {row['name']} is not valid: remove it by 'DROP INDEX CONCURRENTLY {row['name']}' and migrate again"
        for row in session.rows(_INVALID)
    ]
    if schema_check:
        catalog.read_only(session)
        try:
            answer = catalog.first_row(session, schema_check.query)
        except QueryError as error:
            answer = None
            mistakes.append(f"'{schema_check.query}' is refused: {error}")
        session.run("ROLLBACK")
        if answer is not None and answer != schema_check.answer:
            mistakes.append(f"'{schema_check.query}' answers '{answer}', not '{schema_check.answer}'")
    if mistakes:
        raise SwitchyardError("The migration ended without an error, but " + "; ".join(mistakes) + ".")
