# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration as the server sees it: its sessions, who keeps it waiting, and what it left behind.

A backend goes on when its client was killed, and commits (measured). So sessions of a migration are looked for by its
login, and by the name that it gives its connections.
"""

from __future__ import annotations

from ..config.stack import SchemaCheck
from ..errors import SwitchyardError
from . import catalog, content_snapshot, lockout
from .psql_session import PsqlSession, QueryError
from .sql import ident, literal

# The name of a migration's connections; an application may give them another one.
APPLICATION = "switchyard-migrate"

# A client that is gone is noticed within this time, so that nothing is committed for nobody. New in 14.
CLIENT_CHECK = "1s"

# Who may come, besides superusers, and so could write meanwhile
_LOGINS = """
SELECT rolname AS name FROM pg_roles
WHERE rolcanlogin AND NOT rolsuper AND has_database_privilege(oid, {database}, 'CONNECT') ORDER BY 1
"""

# No text of a query: it may hold rows.
_BLOCKERS = """
SELECT DISTINCT b.pid, b.usename AS login, b.application_name AS application, b.state,
    coalesce(host(b.client_addr), 'the server itself') AS client,
    extract(epoch FROM clock_timestamp() - coalesce(b.xact_start, b.query_start))::int8 AS seconds
FROM pg_stat_activity a
CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS p(pid)
JOIN pg_stat_activity b ON b.pid = p.pid
WHERE a.wait_event_type = 'Lock' AND {which}
ORDER BY b.pid
"""

_INVALID = """
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i'
-- One that somebody is making now is not valid yet.
AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
ORDER BY 1
"""


def session_options(lock_timeout: float, version: int) -> str:
    """Return libpq's PGOPTIONS of a migration."""
    settings = {"lock_timeout": f"{int(lock_timeout * 1000)}"}
    if version >= 140000:
        settings["client_connection_check_interval"] = CLIENT_CHECK
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def set_lock_timeout(admin: PsqlSession, database: str, login: str, lock_timeout: float) -> None:
    """Give a migrator's sessions in a database their limit, also those of drivers that read no PGOPTIONS."""
    head = f"ALTER ROLE {ident(login)} IN DATABASE {ident(database)}"
    admin.run(f"{head} SET lock_timeout TO {int(lock_timeout * 1000)}")


def of_migration(database: str, login: str | None) -> str:
    """Return the condition on ``pg_stat_activity`` for a migration's sessions; ``login`` is one of its own."""
    named = f"application_name = {literal(APPLICATION)}"
    mine = f"({named} OR usename = {literal(login)})" if login else named
    return f"datname = {literal(database)} AND {mine}"


def terminate_sessions(admin: PsqlSession, database: str, login: str | None) -> list[str]:
    """End the sessions that a killed migration left behind; return who they were."""
    which = of_migration(database, login)
    left = lockout.sessions(admin, which)
    if left:
        lockout.terminate_sessions(admin, which)
    return left


def blockers(admin: PsqlSession, database: str, login: str | None) -> list[str]:
    """Return who keeps a migration waiting for a lock now, each as a line."""
    which = f"a.datname = {literal(database)} AND a.application_name = {literal(APPLICATION)}"
    if login:
        which = f"a.datname = {literal(database)} AND a.usename = {literal(login)}"
    return [
        f"{row['login'] or 'the server itself'} (pid {row['pid']}, {row['application'] or 'no name'}, from"
        f" {row['client']}, {row['state'] or 'working'}, its transaction began {row['seconds']} s ago)"
        for row in admin.rows(_BLOCKERS.format(which=which))
    ]


def enabled_logins(admin: PsqlSession, database: str) -> list[str]:
    """Return the logins that can enter a database and are no superusers."""
    return [row["name"] for row in admin.rows(_LOGINS.format(database=literal(database)))]


def is_empty(inside: PsqlSession) -> bool:
    """Return whether there is no table in a database, so that nothing can be lost."""
    return not inside.rows(content_snapshot.TABLES)


def finished(inside: PsqlSession, schema_check: SchemaCheck | None) -> None:
    """Look at what a migration left. Raises SwitchyardError with everything that is wrong with it."""
    wrong = [
        f"the index {row['name']} is not valid: remove it by 'DROP INDEX CONCURRENTLY {row['name']}' and migrate again"
        for row in inside.rows(_INVALID)
    ]
    if schema_check:
        catalog.read_only(inside)
        try:
            answer = catalog.first_row(inside, schema_check.query)
        except QueryError as error:
            answer = None
            wrong.append(f"'{schema_check.query}' is refused: {error}")
        inside.run("ROLLBACK")
        if answer is not None and answer != schema_check.answer:
            wrong.append(f"'{schema_check.query}' answers '{answer}', not '{schema_check.answer}'")
    if wrong:
        raise SwitchyardError("The migration ended well, but " + "; ".join(wrong) + ".")
