# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, sequences, extensions and row checksums of one database snapshot."""

from __future__ import annotations

import typing as t

from .catalog import NOT_OF_EXTENSIONS, OF_TENANTS
from .psql_session import PsqlSession

# An enum's hash is one of its number, which a restore gives anew; a name of something (regclass) is such a number too.
HASHED = (
    *("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "name", "bytea"),
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "jsonb", "inet", "cidr", "macaddr"),
)
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
WHERE c.relkind = 'r' AND {OF_TENANTS} AND {NOT_OF_EXTENSIONS}
ORDER BY 1
"""
SEQUENCES = f"""
SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement AS step
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.relkind = 'S' AND {OF_TENANTS} AND {NOT_OF_EXTENSIONS}
ORDER BY 1
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


def has_no_tables(inside: PsqlSession) -> bool:
    """Return whether nobody ever made a table or a sequence in a database."""
    return not inside.rows(f"{TABLES} LIMIT 1") and not inside.rows(f"{SEQUENCES} LIMIT 1")


def table_checksums(
    inside: PsqlSession, content: bool, found: dict[str, dict[str, t.Any]] | None = None
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


def sequences(inside: PsqlSession) -> dict[str, int]:
    """Return the next number of each sequence."""
    found = {}
    for one in inside.rows(SEQUENCES):
        at = inside.one(f"SELECT last_value AS value, is_called AS used FROM {one['name']}")
        found[one["name"]] = int(at["value"]) + (int(one["step"]) if at["used"] else 0)
    return found


def extensions(inside: PsqlSession) -> list[dict[str, str]]:
    """Return the extensions with their versions, schemas and owners."""
    return inside.rows(EXTENSIONS)


def referenced_roles(inside: PsqlSession) -> list[str]:
    """Return the roles that the database's objects speak of."""
    return sorted(row["name"] for row in inside.rows(ROLES))


def large_objects(inside: PsqlSession) -> int:
    """Return how many large objects there are."""
    return int(inside.one(LARGE_OBJECTS)["rows"])
