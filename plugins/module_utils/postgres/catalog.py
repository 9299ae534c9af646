# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a database: rows and their content, sequences, extensions, properties, in one snapshot.

The content of a table is a number that does not depend on the order of its rows: the sum of a hash of every row. A
column of a type whose hash is the same on every server is hashed as it is, any other as the text that PostgreSQL
itself writes of it. No cast and no function that a tenant could have made takes part: sessions of ours have an empty
search path, where PostgreSQL looks into pg_catalog only.
"""

from __future__ import annotations

import typing as t

from .psql_session import PsqlSession
from .sql import literal

# Of an extension are the tables that its script makes: the extension itself brings them.
NOT_OF_EXTENSIONS = """NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
OF_TENANTS = """c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""

# What the planner wants to know something of; a bare ANALYZE would complain of each table of PostgreSQL's own.
_PLANNED = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND {OF_TENANTS} AND {NOT_OF_EXTENSIONS}
"""

# Columns that only newer servers have are read through JSON, where an older one has none.
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
        'settings', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'role', CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END,
                'values', to_jsonb(s.setconfig)) ORDER BY s.setrole), '[]')
            FROM pg_db_role_setting s WHERE s.setdatabase = d.oid
        )
    ) AS properties,
    -- Who writes: the owner's members, and the application, of which the owner is a member
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
    (SELECT rolsuper OR rolcreaterole AND rolcreatedb FROM pg_roles WHERE rolname = current_user) AS may
"""


def server_facts(admin: PsqlSession) -> dict[str, t.Any]:
    """Return the server's version, and whether the session may make databases and roles."""
    return admin.one(_SERVER)


def database_facts(admin: PsqlSession, name: str) -> dict[str, t.Any] | None:
    """Return a database with its locale, its properties, its size and the logins of its owner, or None."""
    found = admin.rows(f"{_DATABASE} WHERE d.datname = {literal(name)}")
    return found[0] if found else None


def databases_by_oid(admin: PsqlSession) -> dict[int, str]:
    """Return the databases there are: their names by what never changes about them."""
    return {
        int(row["oid"]): row["name"] for row in admin.rows("SELECT oid::int8 AS oid, datname AS name FROM pg_database")
    }


def analyze(inside: PsqlSession) -> None:
    """Let the planner know all tables; a dump has no statistics, and the first queries would take the worst way."""
    for one in inside.rows(_PLANNED):
        inside.run(f"ANALYZE {one['name']}", limit=None)


def first_row(inside: PsqlSession, query: str | None) -> str | None:
    """Return the first line of a query's answer, as of the schema's version; it finds tables as an application does."""
    if not query:
        return None
    inside.run("""SELECT set_config('search_path', '"$user", public', true)""")
    lines = inside.run(query)
    inside.run("SELECT set_config('search_path', '', true)")
    return lines[0] if lines else ""


def read_only(inside: PsqlSession) -> None:
    """Begin a transaction that sees one moment of the database and changes nothing."""
    inside.run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
