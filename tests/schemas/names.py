"""Names and types of generated schemas, and how SQL quotes names and texts."""

from __future__ import annotations

# Names that need quotes, in the ways that quoting fails.
ODD_NAMES = (
    "plain",
    "MixedCase",
    "with space",
    'a "quoted" name',
    "it's",
    "select",
    "Übergröße",
    "表",
    "semi;colon",
    "back\\slash",
    "per%cent",
    "dollar$$tag",
    "dot.in.it",
    "comma,name",
    "--comment",
    "/*open",
    "{brace}",
    "tab\tname",
    "line\nbreak",
    "a" * 55,
    " leading",
    ":colon",
    "emoji \U0001f600",
)
SCALARS = (
    *("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "numeric(30, 10)", "money", "text", "varchar(40)"),
    *("char(7)", "bytea", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb"),
    *("xml", "inet", "cidr", "macaddr", "macaddr8", "point", "box", "path", "polygon", "circle", "lseg", "bit(9)"),
    *("varbit", "tsvector", "tsquery", "int4range", "tstzrange", "nummultirange", "oid", "name", '"char"', "pg_lsn"),
)


def ident(name: str) -> str:
    """Return a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a quoted string."""
    return "'" + text.replace("'", "''") + "'"
