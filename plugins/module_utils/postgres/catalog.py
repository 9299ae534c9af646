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

from .roles import literal
from .server import Session

# An enum's hash is one of its number, which a restore gives anew; a name of something (regclass) is such a number too.
HASHED = (
    *("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "name", "bytea"),
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "jsonb", "inet", "cidr", "macaddr"),
)

# Of an extension are the tables that its script makes: the extension itself brings them.
_NOT_OF_EXTENSIONS = """NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
_OF_TENANTS = """c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""

TABLES = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name,
    (SELECT string_agg(
        CASE WHEN array_position('{{{",".join(HASHED)}}}'::name[],
                CASE WHEN y.typcategory = 'A' AND e.oid IS NOT NULL THEN e.typname ELSE y.typname END) IS NOT NULL
            AND y.typnamespace = 'pg_catalog'::regnamespace AND y.typtype = 'b'
        THEN quote_ident(a.attname)
        -- Of a type's output function, which no tenant can make, and never of its casts
        ELSE format('format(''%%L'', %I)', a.attname) END,
        ', ' ORDER BY a.attname COLLATE "C")
     FROM pg_attribute a
     JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = y.typelem AND y.typlen = -1
     -- A virtual column is computed when it is read; it is nothing that a backup holds.
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v') AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {_OF_TENANTS} AND {_NOT_OF_EXTENSIONS}
ORDER BY 1
"""

SEQUENCES = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement AS step
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.relkind = 'S' AND {_OF_TENANTS} AND {_NOT_OF_EXTENSIONS}
ORDER BY 1
"""

# What the planner wants to know something of; a bare ANALYZE would complain of each table of PostgreSQL's own.
_PLANNED = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND {_OF_TENANTS} AND {_NOT_OF_EXTENSIONS}
"""

EXTENSIONS = """
SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema, pg_get_userbyid(e.extowner) AS owner
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY 1
"""

# Whom the database's objects belong to, who may do something with them, for whom there are policies
ROLES = """
SELECT DISTINCT r.rolname AS name FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
WHERE s.refclassid = 'pg_authid'::regclass AND r.rolname !~ '^pg_'
AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

LARGE_OBJECTS = "SELECT count(*) AS rows FROM pg_largeobject_metadata"

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

# When the counters began: PostgreSQL throws them all away after a crash, and anybody may reset those of a database.
_CHANGES = """
SELECT tup_inserted + tup_updated + tup_deleted AS changes,
    concat(stats_reset, ' ', (SELECT stats_reset FROM pg_stat_bgwriter)) AS began
FROM pg_stat_database WHERE datname = {database}
"""

# ANALYZE writes too, into these tables and where their long values are kept, without anybody having changed a row.
_STATISTICS = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 AS changes
FROM pg_stat_sys_tables s JOIN pg_class c ON s.relid IN (c.oid, c.reltoastrelid)
WHERE c.oid IN ('pg_catalog.pg_statistic'::regclass, 'pg_catalog.pg_statistic_ext_data'::regclass)
"""


def server(admin: Session) -> dict[str, t.Any]:
    """Return the server's version, and whether the session may make databases and roles."""
    return admin.one(_SERVER)


def database(admin: Session, name: str) -> dict[str, t.Any] | None:
    """Return a database with its locale, its properties, its size and the logins of its owner, or None."""
    found = admin.rows(f"{_DATABASE} WHERE d.datname = {literal(name)}")
    return found[0] if found else None


def names_by_number(admin: Session) -> dict[int, str]:
    """Return the databases there are: their names by what never changes about them."""
    return {
        int(row["oid"]): row["name"] for row in admin.rows("SELECT oid::int8 AS oid, datname AS name FROM pg_database")
    }


def changes(inside: Session, name: str) -> dict[str, t.Any]:
    """Return how many rows were ever changed in a database, and since when that is counted.

    ``inside`` is a session in it. What ANALYZE writes is taken off, and read first, so that the number errs upwards.
    """
    own = int(inside.one(_STATISTICS)["changes"])
    seen = inside.one(_CHANGES.format(database=literal(name)))
    return {"changes": int(seen["changes"]) - own, "began": seen["began"], "own": own}


def changes_from_outside(admin: Session, name: str, own: int) -> dict[str, t.Any]:
    """Return the same of a database that nobody can enter, with what ANALYZE had written when it was seen last."""
    seen = admin.one(_CHANGES.format(database=literal(name)))
    return {"changes": int(seen["changes"]) - own, "began": seen["began"], "own": own}


def since(before: t.Mapping[str, t.Any], now: t.Mapping[str, t.Any]) -> int | None:
    """Return how many rows changed between two answers of ``changes``; None where nobody can know."""
    if before["began"] != now["began"] or now["changes"] < before["changes"]:
        return None
    return int(now["changes"] - before["changes"])


def empty(inside: Session) -> bool:
    """Return whether nobody ever made a table or a sequence in a database."""
    return not inside.rows(f"{TABLES} LIMIT 1") and not inside.rows(f"{SEQUENCES} LIMIT 1")


def tables(
    inside: Session, content: bool, found: dict[str, dict[str, t.Any]] | None = None
) -> dict[str, dict[str, t.Any]]:
    """Return each table's number of rows, and the number that stands for their content where ``content`` says so.

    ``found`` is filled while the tables are counted, for whoever looks at it meanwhile.
    """
    found = {} if found is None else found
    for table in inside.rows(TABLES):
        columns = table["columns"] if content else None
        # A row of no columns has no hash; then the number of rows is all there is.
        number = f"coalesce(sum(hash_record_extended(ROW({columns}), 0)), 0)::text" if columns else "NULL"
        query = f"SELECT count(*) AS rows, {number} AS content FROM ONLY {table['name']}"
        found[table["name"]] = inside.one(query, limit=None)
    return found


def analyze(inside: Session) -> None:
    """Let the planner know all tables; a dump has no statistics, and the first queries would take the worst way."""
    for one in inside.rows(_PLANNED):
        inside.run(f"ANALYZE {one['name']}", limit=None)


def sequences(inside: Session) -> dict[str, int]:
    """Return the next number of each sequence."""
    found = {}
    for one in inside.rows(SEQUENCES):
        at = inside.one(f"SELECT last_value AS value, is_called AS used FROM {one['name']}")
        found[one["name"]] = int(at["value"]) + (int(one["step"]) if at["used"] else 0)
    return found


def extensions(inside: Session) -> list[dict[str, str]]:
    """Return the extensions with their versions, schemas and owners."""
    return inside.rows(EXTENSIONS)


def roles(inside: Session) -> list[str]:
    """Return the roles that the database's objects speak of."""
    return sorted(row["name"] for row in inside.rows(ROLES))


def large_objects(inside: Session) -> int:
    """Return how many large objects there are."""
    return int(inside.one(LARGE_OBJECTS)["rows"])


def answer(inside: Session, query: str | None) -> str | None:
    """Return the first line of a query's answer, as of the schema's version; it finds tables as an application does."""
    if not query:
        return None
    inside.run("""SELECT set_config('search_path', '"$user", public', true)""")
    lines = inside.run(query)
    inside.run("SELECT set_config('search_path', '', true)")
    return lines[0] if lines else ""


def read_only(inside: Session) -> None:
    """Begin a transaction that sees one moment of the database and changes nothing."""
    inside.run("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
