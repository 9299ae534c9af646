# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of one PostgreSQL database, their settings and privileges, as SQL statements.

The owner role cannot log in; it owns the database and everything in it. The migrator is a member of the owner, and its
sessions begin as the owner, so that what it creates belongs to the owner. The application reads and writes rows;
``backup`` and ``ro`` read them; ``backup`` also reads past row security. The owner is a member of the application role:
so it can dump large objects, which belong to the application.
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

# Sessions that a login may have at once; both colors of an application have theirs during a switch. The temporary
# roles of a backup count as ``backup``.
CONNECTIONS = {"app": 40, "migrator": 3, "backup": 6, "ro": 3}

# PostgreSQL's time units. ``lock`` is the migrator's: it gives up before too many sessions queue behind it.
TIMEOUTS = {"statement": "5min", "idle_in_transaction": "5min", "idle_session": "1d", "lock": "5s"}
TIME = re.compile(r"\d{1,9}(us|ms|s|min|h|d)?\Z")

# Attributes that a tenant's role must not have
PLAIN = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"

# The login that reads past row security, when a superuser creates it: a dump needs all rows.
READS_ALL = "backup"

# Default privileges of each reader and the application: on tables, sequences and schemas, as ``grants`` sets them
DEFAULT_RIGHTS = 3

# A statement waits for a lock no longer than this, because other sessions queue behind it.
LOCK_TIMEOUT = "10s"

# In the name of every temporary role: one run's login, which counts as the tenant's ``backup`` login
TEMPORARY_ROLE_MARK = "__temp_"


@dataclass(frozen=True)
class DatabaseRoles:
    """The role names of a database by kind; ``app`` is the application's login."""

    database: str
    app: str

    def __getitem__(self, kind: str) -> str:
        return self.app if kind == "app" else names.login_of(self.database, kind)

    @property
    def all(self) -> dict[str, str]:
        """The names of all roles by kind."""
        return {kind: self[kind] for kind in KINDS}


def option_problems(
    tenant_roles: DatabaseRoles, connections: t.Mapping[str, t.Any], timeouts: t.Mapping[str, t.Any]
) -> list[Problem]:
    """Return the invalid names, connection limits and timeouts of one tenant."""
    where = f"postgres_tenants, {tenant_roles.database}"
    problems = []

    def add(key: str, message: str, hint: str, code: str) -> None:
        problems.append(Problem(f"{where}{key}", message, hint, code))

    for name in sorted({tenant_roles.database, tenant_roles.app}):
        if not NAME.match(name):
            hint = "Use lower case letters, digits and _, with a letter first"
            add("", f"{name} is not a valid name of a database and a login", hint, code="postgres.name")
    longest = max((tenant_roles[kind] for kind in KINDS), key=len)
    if len(longest) > LONGEST_NAME:
        message = f"the role name {longest} has {len(longest)} characters, and PostgreSQL keeps {LONGEST_NAME}"
        add("", message, "Give the stack a shorter name", code="postgres.name")
    for kind, value in connections.items():
        if kind not in CONNECTIONS:
            add(
                ".connections",
                f"{kind} is not a known key",
                f"Use {', '.join(CONNECTIONS)}",
                code="postgres.option_unknown",
            )
        elif isinstance(value, bool) or not str(value).isdigit() or int(value) < 1:
            message = f"{kind}: {value} is not a number of connections"
            add(".connections", message, "Use a number from 1", code="postgres.connections")
    for kind, value in timeouts.items():
        if kind not in TIMEOUTS:
            add(".timeouts", f"{kind} is not a known key", f"Use {', '.join(TIMEOUTS)}", code="postgres.option_unknown")
        elif not TIME.match(str(value)):
            add(
                ".timeouts", f"{kind}: {value} is not a time", "Write it as 30s or 5min, or 0", code="postgres.timeouts"
            )
    return problems


def settings(
    tenant_roles: DatabaseRoles, timeouts: t.Mapping[str, t.Any], superuser: bool = True
) -> dict[str, dict[str, str]]:
    """Return the settings of each kind of login.

    ``superuser``: the administrator is one. Only a superuser can let the application read large objects that a
    restore gave to the owner (lo_compat_privileges).
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
            "role": tenant_roles["owner"],
            "lock_timeout": time["lock"],
            "idle_in_transaction_session_timeout": time["idle_in_transaction"],
            # The statement of a killed migration ends, and does not commit later.
            "client_connection_check_interval": "1s",
        },
        "backup": {**long, "idle_in_transaction_session_timeout": "0"},
        "ro": short,
    }


def role_statements(
    tenant_roles: DatabaseRoles,
    connections: t.Mapping[str, t.Any],
    timeouts: t.Mapping[str, t.Any],
    state: t.Mapping[str, t.Any],
) -> list[str]:
    """Return the statements that create or correct a tenant's roles, without their passwords.

    A disabled login stays disabled: a lockout disabled it, and enables it again.
    """
    roles = state.get("roles", {})
    superuser = state.get("superuser", True)
    desired = settings(tenant_roles, timeouts, superuser)
    statements = []
    for kind, name in tenant_roles.all.items():
        role, limit = roles.get(name), int(connections.get(kind, -1))
        if role is None:
            login = "NOLOGIN" if kind == "owner" else "LOGIN"
            # Only a superuser may write NOSUPERUSER, and no other login can create a superuser.
            plain = f"{PLAIN} {_row_security(kind)} " if superuser else ""
            statements.append(f"CREATE ROLE {ident(name)} {login} {plain}CONNECTION LIMIT {limit}")
        else:
            if role["privileged"]:
                statements.append(f"ALTER ROLE {ident(name)} {PLAIN}")
            if superuser and role["bypasses"] != (kind == READS_ALL):
                statements.append(f"ALTER ROLE {ident(name)} {_row_security(kind)}")
            if kind == "owner" and role["login"]:
                statements.append(f"ALTER ROLE {ident(name)} NOLOGIN")
            if role["limit"] != limit:
                statements.append(f"ALTER ROLE {ident(name)} CONNECTION LIMIT {limit}")
    # The migrator's settings name the owner, which has to exist first.
    for kind, name in tenant_roles.all.items():
        existing = (roles.get(name) or {}).get("settings") or {}
        statements += [
            f"ALTER ROLE {ident(name)} SET {key} TO {literal(value)}"
            for key, value in sorted(desired[kind].items())
            if existing.get(key) != value
        ]
    if not superuser:
        # CREATE DATABASE ... OWNER needs the right to SET ROLE to the owner.
        assumable = state.get("assumable_roles") or []
        statements += [
            f"GRANT {ident(tenant_roles[kind])} TO CURRENT_USER"
            for kind in ("owner", "app")
            if tenant_roles[kind] not in assumable
        ]
    memberships = {name: (roles.get(name) or {}).get("member_of") or [] for name in tenant_roles.all.values()}
    # REVOKE is first, because PostgreSQL rejects two roles that are members of each other.
    for member in ("app", *READERS):
        for group in ("owner", "migrator"):
            if tenant_roles[group] in memberships[tenant_roles[member]]:
                statements.append(f"REVOKE {ident(tenant_roles[group])} FROM {ident(tenant_roles[member])}")
    for member, group in (("migrator", "owner"), ("owner", "app")):
        if tenant_roles[group] not in memberships[tenant_roles[member]]:
            statements.append(f"GRANT {ident(tenant_roles[group])} TO {ident(tenant_roles[member])}")
    return statements


def _row_security(kind: str) -> str:
    """Return the attribute of a kind of login that says whether policies apply to it."""
    return "BYPASSRLS" if kind == READS_ALL else "NOBYPASSRLS"


def role_matches(tenant_roles: DatabaseRoles, database: t.Mapping[str, t.Any] | None) -> bool:
    """Return whether a database belongs to the owner role and its logins have their privileges."""
    if not database or database["owner"] != tenant_roles["owner"]:
        return False
    rights = database["grants"] or {}
    if not {"CONNECT", "TEMPORARY"} <= set(rights.get(tenant_roles.app, [])):
        return False
    if "CREATE" in rights.get(tenant_roles.app, []):
        return False
    if not all("CONNECT" in rights.get(tenant_roles[kind], []) for kind in READERS):
        return False
    # Default privileges are set in one transaction with all others, and show outside of the database.
    default_privileges = database["default_privileges"] or {}
    return all(default_privileges.get(tenant_roles[kind], 0) >= DEFAULT_RIGHTS for kind in ("app", *READERS))


def rights_statements(tenant_roles: DatabaseRoles) -> list[str]:
    """Return the statements that grant a database's logins their privileges, for one transaction of an administrator.

    What the application owned becomes the owner's. The owner grants the rest, so that a tenant's code never runs as the
    administrator.
    """
    database, app = ident(tenant_roles.database), ident(tenant_roles.app)
    readers = ", ".join(ident(tenant_roles[kind]) for kind in READERS)
    return [
        f"SET LOCAL lock_timeout TO {literal(LOCK_TIMEOUT)}",
        "SET LOCAL statement_timeout TO 0",
        "SET LOCAL search_path TO ''",
        f"REASSIGN OWNED BY {app} TO {ident(tenant_roles['owner'])}",
        f"REVOKE CREATE ON DATABASE {database} FROM {app}, {readers}",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
        f"GRANT CONNECT ON DATABASE {database} TO {readers}",
        # In a database from PostgreSQL 14 or older, PUBLIC may create tables in the schema public.
        "DO $switchyard$ BEGIN IF pg_catalog.to_regnamespace('public') IS NOT NULL THEN"
        f" REVOKE CREATE ON SCHEMA public FROM PUBLIC, {app}, {readers}; END IF; END $switchyard$",
        f"SET LOCAL ROLE {ident(tenant_roles['owner'])}",
        *grants(tenant_roles),
    ]


def grants(tenant_roles: DatabaseRoles) -> list[str]:
    """Return the owner's statements that grant the logins access to its present and future objects.

    A restored database needs them when its dump holds the grants of other roles, or none.
    """
    app = ident(tenant_roles.app)
    readers = ", ".join(ident(tenant_roles[kind]) for kind in READERS)
    all_logins = f"{app}, {readers}"
    to_app, to_readers, to_all = (literal(f" TO {grantee}") for grantee in (app, readers, all_logins))
    head = "ALTER DEFAULT PRIVILEGES GRANT"
    rows, numbers = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT, UPDATE"
    return [
        f"{head} USAGE ON SCHEMAS TO {all_logins}",
        f"{head} {rows} ON TABLES TO {app}",
        f"{head} SELECT ON TABLES TO {readers}",
        f"{head} {numbers} ON SEQUENCES TO {app}",
        f"{head} SELECT ON SEQUENCES TO {readers}",
        f"""DO $switchyard$
DECLARE
    object_name pg_catalog.text;
    kind pg_catalog.text;
BEGIN
    FOR object_name IN SELECT pg_catalog.quote_ident(nspname) FROM pg_catalog.pg_namespace
        WHERE pg_catalog.pg_has_role(nspowner, 'USAGE') AND nspname !~ '^pg_'
    LOOP
        EXECUTE 'GRANT USAGE ON SCHEMA ' || object_name || {to_all};
    END LOOP;
    FOR object_name, kind IN SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
        CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
    LOOP
        IF kind = 'SEQUENCE ' THEN
            EXECUTE 'GRANT {numbers} ON SEQUENCE ' || object_name || {to_app};
        ELSE
            EXECUTE 'GRANT {rows} ON TABLE ' || object_name || {to_app};
        END IF;
        EXECUTE 'GRANT SELECT ON ' || kind || object_name || {to_readers};
    END LOOP;
END $switchyard$""",
    ]
