# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database is made and loaded: in the throwaway server that proves a backup, and beside the one it will replace.

The administrator makes what is empty: the database and its extensions. What a tenant wrote is loaded by a login that
can do no more than the tenant.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ..errors import Problem, SwitchyardError
from ..postgres.client_container import SECRETS
from ..postgres.psql_session import PsqlSession, QueryError
from ..postgres.server import PostgresServer
from ..postgres.sql import ident, literal
from .dump_process import DumpProcess
from .manifest import Manifest

LIST = f"{SECRETS}/list"
CHANGE = f"{SECRETS}/change.sql"

_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}

# Lists of names: each part is a value of its own (pg_dump, variableIsGucListQuote).
_LISTS = ("local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces")


def database_statement(name: str, owner: str, locale: t.Mapping[str, t.Any], tablespace: str | None = None) -> str:
    """Return the statement that makes an empty database with the same encoding and locale."""
    words = [f"CREATE DATABASE {ident(name)} WITH OWNER {ident(owner)} TEMPLATE template0"]
    words.append(f"ENCODING {literal(locale['encoding'])}")
    words.append(f"LC_COLLATE {literal(locale['collate'])} LC_CTYPE {literal(locale['ctype'])}")
    provider = _PROVIDERS.get(locale.get("provider") or "", "")
    # The provider is a choice since 15. Naming libc, the only one before, would fail there.
    if provider in ("icu", "builtin"):
        option = "ICU_LOCALE" if provider == "icu" else "BUILTIN_LOCALE"
        words.append(f"LOCALE_PROVIDER {provider} {option} {literal(locale['locale'])}")
        words += [f"ICU_RULES {literal(locale['rules'])}"] if locale.get("rules") else []
    elif provider:
        words.append("LOCALE_PROVIDER libc")
    words += [f"TABLESPACE {ident(tablespace)}"] if tablespace and tablespace != "pg_default" else []
    return " ".join(words)


def property_statements(name: str, owner: str, properties: t.Mapping[str, t.Any]) -> list[str]:
    """Return what gives a new database the grants, settings, limit and comment of another one.

    PUBLIC gets nothing, whatever the other one had: a new database is open to everybody.
    """
    database = ident(name)
    done = [f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"]
    for grant in properties.get("grants", []):
        if grant["role"] != owner:
            passing = " WITH GRANT OPTION" if grant["pass_on"] else ""
            right = _word(grant["right"])
            done.append(f"GRANT {right} ON DATABASE {database} TO {ident(grant['role'])}{passing}")
    for one in properties.get("settings", []):
        head = f"ALTER ROLE {ident(one['role'])} IN DATABASE" if one["role"] else "ALTER DATABASE"
        for setting in one["values"]:
            key, dummy, value = setting.partition("=")
            values = ", ".join(literal(part) for part in roles_in(value)) if key.lower() in _LISTS else literal(value)
            done.append(
                f"{head} {database} SET {'.'.join(ident(part) for part in key.split('.'))} TO {values or literal('')}"
            )
    if properties.get("limit", -1) != -1:
        done.append(f"ALTER DATABASE {database} CONNECTION LIMIT {int(properties['limit'])}")
    if properties.get("comment"):
        done.append(f"COMMENT ON DATABASE {database} IS {literal(properties['comment'])}")
    return done


def roles_in(value: str) -> list[str]:
    """Return the names in a list as PostgreSQL keeps it: with commas between, in quotes where they need them."""
    found = re.findall(r'\s*(?:"((?:[^"]|"")*)"|([^,"]+?))\s*(?:,|$)', value)
    return [quoted.replace('""', '"') if quoted else plain for quoted, plain in found if quoted or plain]


def _word(right: str) -> str:
    if right not in ("CREATE", "CONNECT", "TEMPORARY"):
        raise SwitchyardError(f"A database has the right {right}, which this version does not know.")
    return right


def missing_extensions(admin: PsqlSession, manifest: Manifest) -> list[Problem]:
    """Return the extensions of a backup that a server does not have."""
    there = admin.rows("SELECT name, version FROM pg_available_extension_versions")
    versions: dict[str, set[str]] = {}
    for row in there:
        versions.setdefault(row["name"], set()).add(row["version"])
    found = []
    for one in manifest.extensions:
        if one["name"] not in versions:
            message = f"the server does not have the extension {one['name']} {one['version']}"
            found.append(Problem(one["name"], message, "Use an image that has it", "postgres.extension_missing"))
        elif one["version"] not in versions[one["name"]]:
            has = ", ".join(sorted(versions[one["name"]]))
            message = f"the server has the extension {one['name']} {has}, and the backup was made with {one['version']}"
            found.append(
                Problem(one["name"], message, "Use an image that has this version too", "postgres.extension_version")
            )
    return found


def extensions(inside: PsqlSession, manifest: Manifest, owner: str) -> list[str]:
    """Make the extensions in a database that is still empty; return the schemas that were made for them."""
    schemas = sorted({one["schema"] for one in manifest.extensions} - {"public", "pg_catalog"})
    for schema in schemas:
        inside.run(f"CREATE SCHEMA {ident(schema)} AUTHORIZATION {ident(owner)}")
    for one in manifest.extensions:
        version = f"VERSION {literal(one['version'])}"
        statement = f"CREATE EXTENSION IF NOT EXISTS {ident(one['name'])} WITH SCHEMA {ident(one['schema'])} {version}"
        if one["owner"] == manifest.owner and _as_owner(inside, owner, statement):
            continue
        inside.run(statement)
    return schemas


def _as_owner(inside: PsqlSession, owner: str, statement: str) -> bool:
    """Try to make an extension as the owner, who can change it later then; PostgreSQL trusts owners with some."""
    # No code of a tenant is in the database yet: nothing could leave this role again.
    inside.run(f"SET ROLE {ident(owner)}")
    try:
        inside.run(statement)
        return True
    except QueryError as error:
        if error.state != "42501":
            raise
        return False
    finally:
        inside.run("RESET ROLE")


def select_entries(listed: str, schemas: t.Iterable[str]) -> str:
    """Return the entries of a dump's list that are to be restored: all but what the administrator made."""
    made = "|".join(re.escape(schema) for schema in schemas)
    entries = r"EXTENSION - |COMMENT - EXTENSION " + (rf"|SCHEMA - (?:{made}) " if made else "")
    skip = re.compile(rf"\d+; \d+ \d+ (?:{entries})")
    return "".join(f"{line}\n" for line in listed.splitlines() if not skip.match(line))


def load(
    server: PostgresServer,
    database: str,
    login: str,
    dump: str,
    schemas: t.Iterable[str],
    jobs: int = 0,
    grants: bool = True,
    followed: t.Callable[[DumpProcess], t.ContextManager[None]] = lambda running: contextlib.nullcontext(),
) -> None:
    """Restore a dump as a login, wholly or not at all; with ``jobs`` side by side, where half of it may stay behind.

    ``followed`` is a context that looks at the program while it runs.
    """
    listed = server.call(["pg_restore", "--list", dump], database, login)
    server.bench.put(LIST, select_entries(listed, schemas))
    way = [f"--jobs={jobs}"] if jobs > 1 else ["--single-transaction"]
    words = ["pg_restore", "--verbose", "--no-password", "--exit-on-error", "--no-owner", *way]
    words += [*([] if grants else ["--no-acl"]), f"--use-list={LIST}"]
    command = server.program([*words, f"--dbname={database}", dump], database, login)
    with DumpProcess(command, "pg_restore") as running, followed(running):
        running.wait()


def change(server: PostgresServer, database: str, login: str, statements: str) -> None:
    """Run SQL of a person's in a database as a login, wholly or not at all.

    It finds tables as an application does. A message of it tells the line, and no value of a row.
    """
    server.bench.put(CHANGE, f"""SET search_path TO "$user", public;\n{statements}\n""")
    words = ["psql", "--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--output=/dev/null"]
    words += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", f"--file={CHANGE}"]
    server.call(words, database, login)
