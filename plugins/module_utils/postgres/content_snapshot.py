# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, sequences, extensions and row checksums of one database snapshot.

A table's checksum is the sum of a hash of every row (hash_record_extended), so it does not depend on the order of the
rows. A column is hashed as it is when its type has the same hash on every server, otherwise as the text that the
type's output function writes.
"""

from __future__ import annotations

import typing as t

from .catalog import NOT_OF_EXTENSIONS, OF_TENANTS
from .psql_session import PsqlSession

# Types whose hash does not depend on oids. An enum's hash is that of its oid, which changes with a restore; so is a
# regclass's.
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
        -- format() uses the type's output function, which a tenant cannot define, and no cast
        ELSE format('format(''%%L'', %I)', a.attname) END,
        ', ' ORDER BY a.attname COLLATE "C")
     FROM pg_attribute a
     JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = y.typelem AND y.typlen = -1
     -- A virtual column is computed when it is read; a backup does not hold it.
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

# Roles that own objects of the database, have privileges on them, or are named in policies
ROLES = """
SELECT DISTINCT r.rolname AS name FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
WHERE s.refclassid = 'pg_authid'::regclass AND r.rolname !~ '^pg_'
AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LARGE_OBJECTS = "SELECT count(*) AS rows FROM pg_largeobject_metadata"


def has_no_tables(session: PsqlSession) -> bool:
    """Return whether a database has neither a table nor a sequence, so that there is no data to lose."""
    return not session.rows(f"{TABLES} LIMIT 1") and not session.rows(f"{SEQUENCES} LIMIT 1")


def table_checksums(
    session: PsqlSession, content: bool, tables: dict[str, dict[str, t.Any]] | None = None
) -> dict[str, dict[str, t.Any]]:
    """Return the number of rows of each table, and with ``content`` its checksum.

    ``tables`` is filled while the tables are counted, so that another thread can report progress.
    """
    tables = {} if tables is None else tables
    for table in session.rows(TABLES):
        columns = table["columns"] if content else None
        # A row without columns has no hash; the number of rows is all there is to compare.
        number = f"coalesce(sum(hash_record_extended(ROW({columns}), 0)), 0)::text" if columns else "NULL"
        query = f"SELECT count(*) AS rows, {number} AS content FROM ONLY {table['name']}"
        tables[table["name"]] = session.one(query, limit=None)
    return tables


def sequences(session: PsqlSession) -> dict[str, int]:
    """Return the next value of each sequence."""
    next_values = {}
    for sequence in session.rows(SEQUENCES):
        last = session.one(f"SELECT last_value AS value, is_called AS used FROM {sequence['name']}")
        next_values[sequence["name"]] = int(last["value"]) + (int(sequence["step"]) if last["used"] else 0)
    return next_values


def extensions(session: PsqlSession) -> list[dict[str, str]]:
    """Return the extensions with their versions, schemas and owners."""
    return session.rows(EXTENSIONS)


def referenced_roles(session: PsqlSession) -> list[str]:
    """Return the names of the roles that the database's objects reference."""
    return sorted(row["name"] for row in session.rows(ROLES))


def large_objects(session: PsqlSession) -> int:
    """Return the number of large objects."""
    return int(session.one(LARGE_OBJECTS)["rows"])
