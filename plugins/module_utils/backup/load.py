# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates a database and loads a dump: in the scratch server of a verification, and next to the live database.

The administrator creates the empty database and its extensions. What a tenant wrote is loaded by a login with no more
rights than the tenant.
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
SQL_FILE = f"{SECRETS}/run.sql"

# pg_database.datlocprovider
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}

# Settings that are lists of names, where each name is quoted by itself (pg_dump, variableIsGucListQuote)
_LIST_SETTINGS = ("local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces")

# The entries of a dump that fill a materialized view
REFRESH = "MATERIALIZED VIEW DATA "

# SQLSTATE insufficient_privilege (manual, appendix A)
INSUFFICIENT_PRIVILEGE = "42501"


def create_database_statement(
    name: str, owner: str, locale: t.Mapping[str, t.Any], tablespace: str | None = None
) -> str:
    """Return the statement that creates an empty database with the same encoding and locale."""
    words = [f"CREATE DATABASE {ident(name)} WITH OWNER {ident(owner)} TEMPLATE template0"]
    words.append(f"ENCODING {literal(locale['encoding'])}")
    words.append(f"LC_COLLATE {literal(locale['collate'])} LC_CTYPE {literal(locale['ctype'])}")
    provider = _PROVIDERS.get(locale.get("provider") or "", "")
    # LOCALE_PROVIDER is new in 15; an older server knows only libc and rejects the option.
    if provider in ("icu", "builtin"):
        option = "ICU_LOCALE" if provider == "icu" else "BUILTIN_LOCALE"
        words.append(f"LOCALE_PROVIDER {provider} {option} {literal(locale['locale'])}")
        words += [f"ICU_RULES {literal(locale['rules'])}"] if locale.get("rules") else []
    elif provider:
        words.append("LOCALE_PROVIDER libc")
    words += [f"TABLESPACE {ident(tablespace)}"] if tablespace and tablespace != "pg_default" else []
    return " ".join(words)


def property_statements(name: str, owner: str, properties: t.Mapping[str, t.Any], dedicated: bool = False) -> list[str]:
    """Return the statements that copy grants, settings, connection limit and comment to a new database.

    PUBLIC loses its privileges: by default every login may connect to a new database. On a dedicated server it keeps
    those that it had.
    """
    database = ident(name)
    statements = [f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"]
    for privilege in properties.get("public", []) if dedicated else ():
        statements.append(f"GRANT {_known_privilege(privilege)} ON DATABASE {database} TO PUBLIC")
    for grant in properties.get("grants", []):
        if grant["role"] != owner:
            option = " WITH GRANT OPTION" if grant["pass_on"] else ""
            privilege = _known_privilege(grant["right"])
            statements.append(f"GRANT {privilege} ON DATABASE {database} TO {ident(grant['role'])}{option}")
    for settings in properties.get("settings", []):
        head = f"ALTER ROLE {ident(settings['role'])} IN DATABASE" if settings["role"] else "ALTER DATABASE"
        statements += [setting_statement(f"{head} {database}", setting) for setting in settings["values"]]
    if properties.get("limit", -1) != -1:
        statements.append(f"ALTER DATABASE {database} CONNECTION LIMIT {int(properties['limit'])}")
    if properties.get("comment"):
        statements.append(f"COMMENT ON DATABASE {database} IS {literal(properties['comment'])}")
    return statements


def setting_statement(head: str, setting: str) -> str:
    """Return the statement that sets ``name=value``, as the catalog has it; ``head`` alters a role or a database."""
    key, dummy, value = setting.partition("=")
    is_list = key.lower() in _LIST_SETTINGS
    values = ", ".join(literal(part) for part in split_names(value)) if is_list else literal(value)
    quoted_key = ".".join(ident(part) for part in key.split("."))
    return f"{head} SET {quoted_key} TO {values or literal('')}"


def split_names(value: str) -> list[str]:
    """Return the names in a list setting: separated by commas, quoted where necessary."""
    matches = re.findall(r'\s*(?:"((?:[^"]|"")*)"|([^,"]+?))\s*(?:,|$)', value)
    return [quoted.replace('""', '"') if quoted else plain for quoted, plain in matches if quoted or plain]


def _known_privilege(privilege: str) -> str:
    if privilege not in ("CREATE", "CONNECT", "TEMPORARY"):
        raise SwitchyardError(f"A database has the privilege {privilege}, which this version does not know.")
    return privilege


def missing_extensions(admin_session: PsqlSession, manifest: Manifest) -> list[Problem]:
    """Return the backup's extensions that a server does not have in their version."""
    versions: dict[str, set[str]] = {}
    for row in admin_session.rows("SELECT name, version FROM pg_available_extension_versions"):
        versions.setdefault(row["name"], set()).add(row["version"])
    problems = []
    for extension in manifest.extensions:
        name, version = extension["name"], extension["version"]
        if name not in versions:
            message = f"the server does not have the extension {name} {version}"
            problems.append(Problem(name, message, "Use an image that has it", "postgres.extension_missing"))
        elif version not in versions[name]:
            available = ", ".join(sorted(versions[name]))
            message = f"the server has the extension {name} {available}, and the backup was made with {version}"
            hint = "Use an image that has this version too"
            problems.append(Problem(name, message, hint, "postgres.extension_version"))
    return problems


def create_extensions(session: PsqlSession, manifest: Manifest, owner: str) -> list[str]:
    """Create the extensions in an empty database; return the schemas that were created for them."""
    schemas = sorted({extension["schema"] for extension in manifest.extensions} - {"public", "pg_catalog"})
    for schema in schemas:
        session.run(f"CREATE SCHEMA {ident(schema)} AUTHORIZATION {ident(owner)}")
    for extension in manifest.extensions:
        name, schema, version = (extension[key] for key in ("name", "schema", "version"))
        statement = (
            f"CREATE EXTENSION IF NOT EXISTS {ident(name)} WITH SCHEMA {ident(schema)} VERSION {literal(version)}"
        )
        if extension["owner"] == manifest.owner and _run_as_owner(session, owner, statement):
            continue
        session.run(statement)
    return schemas


def _run_as_owner(session: PsqlSession, owner: str, statement: str) -> bool:
    """Try to create an extension as the owner, who can alter it then; PostgreSQL allows it for trusted extensions."""
    # The database has no code of a tenant yet that could leave the role again.
    session.run(f"SET ROLE {ident(owner)}")
    try:
        session.run(statement)
        return True
    except QueryError as error:
        if error.state != INSUFFICIENT_PRIVILEGE:
            raise
        return False
    finally:
        session.run("RESET ROLE")


def select_entries(listing: str, schemas: t.Iterable[str]) -> str:
    """Return the entries of ``pg_restore --list`` to restore first.

    Left out is what the administrator has created, and what ``select_refreshes`` returns.
    """
    created = "|".join(re.escape(schema) for schema in schemas)
    entries = rf"EXTENSION - |COMMENT - EXTENSION |{REFRESH}" + (rf"|SCHEMA - (?:{created}) " if created else "")
    skip = re.compile(rf"\d+; \d+ \d+ (?:{entries})")
    return "".join(f"{line}\n" for line in listing.splitlines() if not skip.match(line))


def select_refreshes(listing: str) -> str:
    """Return the entries that fill materialized views, in their order."""
    entry = re.compile(rf"\d+; \d+ \d+ {REFRESH}")
    return "".join(f"{line}\n" for line in listing.splitlines() if entry.match(line))


def load(
    server: PostgresServer,
    database: str,
    login: str,
    dump: str,
    schemas: t.Iterable[str],
    jobs: int = 0,
    restore_grants: bool = True,
    owner: str | None = None,
    follow: t.Callable[[DumpProcess], t.ContextManager[None]] = lambda process: contextlib.nullcontext(),
) -> None:
    """Restore a dump as a login, in one transaction, or with several jobs in parallel without one.

    With ``owner``, everything belongs to that role, which the login can become, and on a dedicated server without it
    to whom it belonged. ``follow`` is a context that observes the running program. Raises CommandError with its last
    error lines.
    """
    listing = server.call(["pg_restore", "--list", dump], database, login)
    server.client.put(LIST, select_entries(listing, schemas))
    mode = [f"--jobs={jobs}"] if jobs > 1 else ["--single-transaction"]
    args = ["pg_restore", "--verbose", "--no-password", "--exit-on-error", f"--use-list={LIST}"]
    args += [f"--dbname={database}", *([] if restore_grants else ["--no-acl"])]
    args += [] if server.dedicated and not owner else ["--no-owner"]
    args += [f"--role={owner}"] if owner else []
    command = server.program([*args, *mode, dump], database, login)
    with DumpProcess(command, "pg_restore") as process, follow(process):
        process.wait()
    refreshes = select_refreshes(listing)
    if refreshes:
        # REFRESH runs as the view's owner, to whom policies with FORCE apply. pg_restore turns row_security off, with
        # which PostgreSQL refuses it; an owner who refreshes the view has it on, and so has this run.
        server.client.put(LIST, refreshes)
        with DumpProcess(server.program([*args, "--enable-row-security", dump], database, login), "pg_restore") as last:
            last.wait()


def run_sql(server: PostgresServer, database: str, login: str, statements: str) -> None:
    """Run the user's SQL in a database as a login, in one transaction.

    It finds tables in ``public``, as an application does. An error message names the line and shows no value.
    """
    server.client.put(SQL_FILE, f"""SET search_path TO "$user", public;\n{statements}\n""")
    args = ["psql", "--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--output=/dev/null"]
    args += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", f"--file={SQL_FILE}"]
    server.call(args, database, login)
