# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins that exist for one run, with the rights of a database's owner.

The reader of a backup also has BYPASSRLS: with ``row_security`` off, PostgreSQL refuses to read a table with FORCE ROW
LEVEL SECURITY to its own owner (manual, "Row Security Policies"). The attribute is not inherited, so the reader's
sessions stay its own and do not begin as the owner. It reads no more than the owner, who can turn FORCE off.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
import typing as t

from . import scram
from .psql_session import ConnectionLost, PsqlSession, QueryError
from .roles import TEMPORARY_ROLE_MARK
from .server import PostgresServer
from .sql import ident, literal, shorten_name

# SQLSTATE dependent_objects_still_exist (manual, appendix A)
DEPENDENT_OBJECTS = "2BP01"


def role_name(owner: str, run: str) -> str:
    """Return the name of a run's temporary role."""
    return shorten_name(owner, f"{TEMPORARY_ROLE_MARK}{run}")


# Whether a login may create one that reads past row security (manual, "CREATE ROLE"; before 16 only a superuser could)
_MAY_BYPASS = """
SELECT FROM pg_roles WHERE rolname = current_user
AND (rolsuper OR rolbypassrls AND current_setting('server_version_num')::int4 >= 160000)
"""


def reader(server: PostgresServer, admin_session: PsqlSession, owner: str, run: str) -> t.ContextManager[str]:
    """Return the context of a login that reads all rows of an owner, past row security.

    Where the administrator may not create such a login, its sessions begin as the owner. On a dedicated server it is
    the administrator.
    """
    if server.dedicated:
        return contextlib.nullcontext(server.user)
    return temporary_role(server, admin_session, owner, run, bool(admin_session.rows(_MAY_BYPASS)))


def loader(server: PostgresServer, admin_session: PsqlSession, owner: str, run: str) -> t.ContextManager[str]:
    """Return the context of a login that loads what an owner has; on a dedicated server it is the administrator."""
    if server.dedicated:
        return contextlib.nullcontext(server.user)
    return temporary_role(server, admin_session, owner, run)


@contextlib.contextmanager
def temporary_role(
    server: PostgresServer, admin_session: PsqlSession, owner: str, run: str, reads_all: bool = False
) -> t.Iterator[str]:
    """Create a login that is a member of the owner and of nothing else; yield its name and drop it afterwards.

    Each of its sessions begins as the owner, or with ``reads_all`` reads past row security. After a kill, the next run
    drops it.
    """
    name, password = role_name(owner, run), secrets.token_urlsafe(24)
    # Two days are longer than any run, also with a wrong clock.
    until = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(time.time() + 172800))
    verifier = scram.scram_sha_256(password, os.urandom(16))
    drop_temporary_roles(server, admin_session, owner)
    try:
        admin_session.run(
            f"CREATE ROLE {ident(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION INHERIT"
            f" {'BYPASSRLS' if reads_all else 'NOBYPASSRLS'}"
            f" PASSWORD {literal(verifier)} VALID UNTIL {literal(until)} IN ROLE {ident(owner)}"
        )
        if not reads_all:
            admin_session.run(f"ALTER ROLE {ident(name)} SET role TO {literal(owner)}")
        server.remember(name, password)
        yield name
    finally:
        server.forget(name)
        # When the server is gone, the next run drops the role, and the first error is the one to show.
        with contextlib.suppress(ConnectionLost):
            drop_temporary_roles(server, admin_session, owner)


def drop_temporary_roles(server: PostgresServer, admin_session: PsqlSession, owner: str) -> list[str]:
    """Drop all temporary roles of an owner and end their sessions; return their names."""
    prefix = role_name(owner, "")
    rows = admin_session.rows(f"SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, {literal(prefix)})")
    names = [row["name"] for row in rows]
    for name in names:
        admin_session.run(f"ALTER ROLE {ident(name)} NOLOGIN")
        admin_session.run(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = {literal(name)}"
        )
        try:
            admin_session.run(f"DROP ROLE {ident(name)}")
        except QueryError as error:
            if error.state != DEPENDENT_OBJECTS:
                raise
            _reassign_and_drop(server, admin_session, name, owner)
            admin_session.run(f"DROP ROLE {ident(name)}")
    return names


def _reassign_and_drop(server: PostgresServer, admin_session: PsqlSession, name: str, owner: str) -> None:
    """Give a role's objects to the owner, in every database: a tenant's function can create some in its name."""
    databases = admin_session.rows(
        "SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database d ON d.oid = dbid"
        f" WHERE refobjid = (SELECT oid FROM pg_roles WHERE rolname = {literal(name)})"
    )
    for row in databases:
        with server.session(row["datname"]) as session:
            session.run(f"REASSIGN OWNED BY {ident(name)} TO {ident(owner)}")
            session.run(f"DROP OWNED BY {ident(name)}")
