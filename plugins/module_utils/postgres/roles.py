# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of one PostgreSQL database: who may do what, and how long, and the SQL that makes it so.

A role that nobody can log in as owns the database and everything in it. The migrator is a member of it and begins
each session as it, so that what it makes belongs to the owner. The application reads and writes rows, ``backup`` and
``ro`` read them. The owner is in turn a member of the application: what that makes (large objects) can be backed up.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .. import names
from ..errors import Problem
from .sql import LONGEST_NAME, ident, literal

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
KINDS = ("owner", "app", "migrator", "backup", "ro")
READERS = ("backup", "ro")

# How many sessions a login may have at once; both colors of an application have theirs during a switch. A backup's
# own logins of single runs take the place of ``backup``.
CONNECTIONS = {"app": 40, "migrator": 3, "backup": 6, "ro": 3}

# PostgreSQL's own words for a time. ``lock`` is the migrator's: it gives up rather than let everybody wait behind it.
TIMEOUTS = {"statement": "5min", "idle_in_transaction": "5min", "idle_session": "1d", "lock": "5s"}
TIME = re.compile(r"\d{1,9}(us|ms|s|min|h|d)?\Z")

# What a tenant's role must not be
PLAIN = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"

# Tables, sequences, schemas: what each reader and the application have default rights on, as ``grants`` gives them
DEFAULT_RIGHTS = 3

# A change of what is in a database waits for nobody longer than this: everybody else would wait behind it.
PATIENCE = "10s"


@dataclass(frozen=True)
class DatabaseRoles:
    """The roles of a database by their kind; ``app`` is its application's login."""

    database: str
    app: str

    def __getitem__(self, kind: str) -> str:
        return self.app if kind == "app" else names.login_of(self.database, kind)

    @property
    def all(self) -> dict[str, str]:
        """The roles' names by their kind."""
        return {kind: self[kind] for kind in KINDS}


def option_problems(
    given: DatabaseRoles, connections: t.Mapping[str, t.Any], timeouts: t.Mapping[str, t.Any]
) -> list[Problem]:
    """Return what is wrong with the names, limits and times of one tenant."""
    where = f"postgres_tenants, {given.database}"
    found = []
    for name in sorted({given.database, given.app}):
        if not NAME.match(name):
            message = f"{name} is no name of a database and a login"
            found.append(
                Problem(where, message, "Write lower case letters, digits and _, with a letter first", "postgres.name")
            )
    longest = max((given[kind] for kind in KINDS), key=len)
    if len(longest) > LONGEST_NAME:
        message = f"the login {longest} has {len(longest)} letters, and PostgreSQL keeps {LONGEST_NAME}"
        found.append(Problem(where, message, "Give the stack a shorter name", "postgres.name"))
    for kind, value in connections.items():
        if kind not in CONNECTIONS:
            found.append(
                Problem(
                    f"{where}.connections",
                    f"there is no {kind}",
                    f"Write {', '.join(CONNECTIONS)}",
                    "postgres.option_unknown",
                )
            )
        elif isinstance(value, bool) or not str(value).isdigit() or int(value) < 1:
            message = f"{kind}: {value} is no number of connections"
            found.append(Problem(f"{where}.connections", message, "Write a number from 1", "postgres.connections"))
    for kind, value in timeouts.items():
        if kind not in TIMEOUTS:
            found.append(
                Problem(
                    f"{where}.timeouts",
                    f"there is no {kind}",
                    f"Write {', '.join(TIMEOUTS)}",
                    "postgres.option_unknown",
                )
            )
        elif not TIME.match(str(value)):
            found.append(
                Problem(
                    f"{where}.timeouts",
                    f"{kind}: {value} is no time",
                    "Write one as 30s or 5min, or 0",
                    "postgres.timeouts",
                )
            )
    return found


def settings(
    given: DatabaseRoles, timeouts: t.Mapping[str, t.Any], superuser: bool = True
) -> dict[str, dict[str, str]]:
    """Return the settings that each kind of login begins its sessions with.

    ``superuser`` says that the administrator is one: only such a one may let the application read large objects that
    a restore gave to the owner.
    """
    time = {name: str(timeouts[name]) for name in TIMEOUTS}
    short = {
        "statement_timeout": time["statement"],
        "idle_in_transaction_session_timeout": time["idle_in_transaction"],
        "idle_session_timeout": time["idle_session"],
    }
    long = {"statement_timeout": "0", "idle_session_timeout": time["idle_session"]}
    return {
        "owner": {},
        "app": {**short, **({"lo_compat_privileges": "on"} if superuser else {})},
        "migrator": {
            **long,
            "role": given["owner"],
            "lock_timeout": time["lock"],
            "idle_in_transaction_session_timeout": time["idle_in_transaction"],
            # The statement of a migration that was killed ends too, instead of being committed later.
            "client_connection_check_interval": "1s",
        },
        "backup": {**long, "idle_in_transaction_session_timeout": "0"},
        "ro": short,
    }


def role_statements(
    given: DatabaseRoles,
    connections: t.Mapping[str, t.Any],
    timeouts: t.Mapping[str, t.Any],
    state: t.Mapping[str, t.Any],
) -> list[str]:
    """Return what makes a tenant's roles as they should be, without their passwords.

    A login that may not log in now is left so: a fence keeps it out, and lifts itself.
    """
    roles = state.get("roles", {})
    superuser = state.get("superuser", True)
    wanted = settings(given, timeouts, superuser)
    done = []
    for kind, name in given.all.items():
        role, limit = roles.get(name), int(connections.get(kind, -1))
        if role is None:
            login = "NOLOGIN" if kind == "owner" else "LOGIN"
            # Only a superuser may say of a role that it is none, and nobody else can make one.
            plain = f"{PLAIN} " if superuser else ""
            done.append(f"CREATE ROLE {ident(name)} {login} {plain}CONNECTION LIMIT {limit}")
        else:
            if role["more"]:
                done.append(f"ALTER ROLE {ident(name)} {PLAIN}")
            if kind == "owner" and role["login"]:
                done.append(f"ALTER ROLE {ident(name)} NOLOGIN")
            if role["limit"] != limit:
                done.append(f"ALTER ROLE {ident(name)} CONNECTION LIMIT {limit}")
    # The migrator's settings name the owner, which has to be there first.
    for kind, name in given.all.items():
        has = (roles.get(name) or {}).get("settings") or {}
        done += [
            f"ALTER ROLE {ident(name)} SET {key} TO {literal(value)}"
            for key, value in sorted(wanted[kind].items())
            if has.get(key) != value
        ]
    if not superuser:
        # Whoever makes a database for somebody has to be able to become that one.
        mine = state.get("mine") or []
        done += [f"GRANT {ident(given[kind])} TO CURRENT_USER" for kind in ("owner", "app") if given[kind] not in mine]
    of = {name: (roles.get(name) or {}).get("of") or [] for name in given.all.values()}
    # First, for PostgreSQL lets no two roles be members of each other.
    for member in ("app", *READERS):
        for group in ("owner", "migrator"):
            if given[group] in of[given[member]]:
                done.append(f"REVOKE {ident(given[group])} FROM {ident(given[member])}")
    for member, group in (("migrator", "owner"), ("owner", "app")):
        if given[group] not in of[given[member]]:
            done.append(f"GRANT {ident(given[group])} TO {ident(given[member])}")
    return done


def role_matches(given: DatabaseRoles, database: t.Mapping[str, t.Any] | None) -> bool:
    """Return whether a database is the owner's, and its logins have their rights in it."""
    if not database or database["owner"] != given["owner"]:
        return False
    rights = database["grants"] or {}
    if not {"CONNECT", "TEMPORARY"} <= set(rights.get(given.app, [])):
        return False
    if "CREATE" in rights.get(given.app, []):
        return False
    if not all("CONNECT" in rights.get(given[kind], []) for kind in READERS):
        return False
    # They are made in one transaction with all other rights, and tell of them from outside of the database.
    marks = database["marks"] or {}
    return all(marks.get(given[kind], 0) >= DEFAULT_RIGHTS for kind in ("app", *READERS))


def rights_statements(given: DatabaseRoles) -> list[str]:
    """Return what gives a database's logins their rights, in one transaction of an administrator within it.

    What the application owned goes to the owner. From there on it is the owner who gives the rights: nothing that a
    tenant planted runs as the administrator.
    """
    database, app = ident(given.database), ident(given.app)
    readers = ", ".join(ident(given[kind]) for kind in READERS)
    return [
        f"SET LOCAL lock_timeout TO {literal(PATIENCE)}",
        "SET LOCAL statement_timeout TO 0",
        "SET LOCAL search_path TO ''",
        f"REASSIGN OWNED BY {app} TO {ident(given['owner'])}",
        f"REVOKE CREATE ON DATABASE {database} FROM {app}, {readers}",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
        f"GRANT CONNECT ON DATABASE {database} TO {readers}",
        # Everybody might make tables there in a database that comes from PostgreSQL 14 or older.
        "DO $switchyard$ BEGIN IF pg_catalog.to_regnamespace('public') IS NOT NULL THEN"
        f" REVOKE CREATE ON SCHEMA public FROM PUBLIC, {app}, {readers}; END IF; END $switchyard$",
        f"SET LOCAL ROLE {ident(given['owner'])}",
        *grants(given),
    ]


def grants(given: DatabaseRoles) -> list[str]:
    """Return what lets the logins work with all that the owner has and will make, as the owner says it.

    It is also what a restored database lacks whose dump speaks of other roles, or of none.
    """
    app = ident(given.app)
    readers = ", ".join(ident(given[kind]) for kind in READERS)
    everybody = f"{app}, {readers}"
    to_app, to_readers, to_everybody = (literal(f" TO {whom}") for whom in (app, readers, everybody))
    head = "ALTER DEFAULT PRIVILEGES GRANT"
    rows, numbers = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT, UPDATE"
    return [
        f"{head} USAGE ON SCHEMAS TO {everybody}",
        f"{head} {rows} ON TABLES TO {app}",
        f"{head} SELECT ON TABLES TO {readers}",
        f"{head} {numbers} ON SEQUENCES TO {app}",
        f"{head} SELECT ON SEQUENCES TO {readers}",
        f"""DO $switchyard$
DECLARE
    one pg_catalog.text;
    what pg_catalog.text;
BEGIN
    FOR one IN SELECT pg_catalog.quote_ident(nspname) FROM pg_catalog.pg_namespace
        WHERE pg_catalog.pg_has_role(nspowner, 'USAGE') AND nspname !~ '^pg_'
    LOOP
        EXECUTE 'GRANT USAGE ON SCHEMA ' || one || {to_everybody};
    END LOOP;
    FOR one, what IN SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
        CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
    LOOP
        IF what = 'SEQUENCE ' THEN
            EXECUTE 'GRANT {numbers} ON SEQUENCE ' || one || {to_app};
        ELSE
            EXECUTE 'GRANT {rows} ON TABLE ' || one || {to_app};
        END IF;
        EXECUTE 'GRANT SELECT ON ' || what || one || {to_readers};
    END LOOP;
END $switchyard$""",
    ]
