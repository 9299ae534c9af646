# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about servers and databases from PostgreSQL's catalog.

Tables and functions: PostgreSQL manual, "System Catalogs" and "System Information Functions". No cast and no function
of a tenant takes part: our sessions have an empty search path, so PostgreSQL resolves names in pg_catalog only.
"""

from __future__ import annotations

import typing as t

from .psql_session import PsqlSession
from .sql import literal

# Tables that an extension's script creates are left out: CREATE EXTENSION creates them again.
NOT_OF_EXTENSIONS = """NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
OF_TENANTS = """c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""

# The tables to analyze; a bare ANALYZE would print a warning for each system table.
_PLANNED = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND {OF_TENANTS} AND {NOT_OF_EXTENSIONS}
"""

# Columns that only newer servers have are read through JSON, where a missing key is null.
_DATABASE = """
SELECT d.oid::int8 AS oid, d.datname AS name, pg_get_userbyid(d.datdba) AS owner,
    (SELECT rolsuper FROM pg_roles WHERE oid = d.datdba) AS owner_is_superuser,
    d.datallowconn AS open,
    jsonb_build_object(
        'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
        'provider', to_jsonb(d) -> 'datlocprovider',
        'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
        'rules', to_jsonb(d) -> 'daticurules',
        'collation_version', to_jsonb(d) -> 'datcollversion'
    ) AS locale,
    jsonb_build_object(
        'limit', d.datconnlimit,
        'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = d.dattablespace),
        'comment', shobj_description(d.oid, 'pg_database'),
        'grants', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('role', pg_get_userbyid(g.grantee),
                'right', g.privilege_type, 'pass_on', g.is_grantable) ORDER BY g.grantee, g.privilege_type), '[]')
            FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g WHERE g.grantee <> 0
        ),
        'public', (
            SELECT coalesce(jsonb_agg(g.privilege_type ORDER BY g.privilege_type), '[]')
            FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g WHERE g.grantee = 0
        ),
        'settings', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'role', CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END,
                'values', to_jsonb(s.setconfig)) ORDER BY s.setrole), '[]')
            FROM pg_db_role_setting s WHERE s.setdatabase = d.oid
        )
    ) AS properties,
    -- The logins that write: the owner's members, and the application, of which the owner is a member
    (SELECT coalesce(jsonb_agg(r.rolname ORDER BY r.rolname), '[]') FROM pg_roles r
        WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> current_user
        AND (pg_has_role(r.oid, d.datdba, 'MEMBER')
            OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid AND m.member = d.datdba))) AS logins,
    pg_database_size(d.oid) AS bytes
FROM pg_database d
"""
_SERVER = """
SELECT current_setting('server_version_num')::int4 AS number,
    split_part(current_setting('server_version'), ' ', 1) AS version,
    current_setting('shared_preload_libraries') AS preload,
    (SELECT rolsuper OR rolcreaterole AND rolcreatedb FROM pg_roles WHERE rolname = current_user) AS can_administer
"""


def server_facts(admin_session: PsqlSession) -> dict[str, t.Any]:
    """Return the server's version, its preloaded libraries, and whether the login can create databases and roles."""
    return admin_session.one(_SERVER)


def database_facts(admin_session: PsqlSession, name: str) -> dict[str, t.Any] | None:
    """Return a database's oid, owner, locale, properties, size in bytes and logins; None if it does not exist."""
    rows = admin_session.rows(f"{_DATABASE} WHERE d.datname = {literal(name)}")
    return rows[0] if rows else None


def databases_by_oid(admin_session: PsqlSession) -> dict[int, str]:
    """Return the names of all databases by their oid, which a renaming does not change."""
    rows = admin_session.rows("SELECT oid::int8 AS oid, datname AS name FROM pg_database")
    return {int(row["oid"]): row["name"] for row in rows}


def analyze(session: PsqlSession) -> None:
    """Collect planner statistics of all tables: a dump holds none, and the first queries would be slow without."""
    for table in session.rows(_PLANNED):
        session.run(f"ANALYZE {table['name']}", limit=None)


def first_row(session: PsqlSession, query: str | None) -> str | None:
    """Return the first line of a query's result, as of a schema version; the query finds tables in ``public``."""
    if not query:
        return None
    session.run("""SELECT set_config('search_path', '"$user", public', true)""")
    lines = session.run(query)
    session.run("SELECT set_config('search_path', '', true)")
    return lines[0] if lines else ""


def read_only(session: PsqlSession) -> None:
    """Begin a read-only transaction on one snapshot of the database."""
    session.run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
