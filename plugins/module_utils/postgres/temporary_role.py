# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login that exists for one run, with the rights of a database's owner."""

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


@contextlib.contextmanager
def temporary_role(server: PostgresServer, admin_session: PsqlSession, owner: str, run: str) -> t.Iterator[str]:
    """Create a login that is a member of the owner and of nothing else; yield its name and drop it afterwards.

    Each of its sessions begins as the owner. After a kill, the next run drops it.
    """
    name, password = role_name(owner, run), secrets.token_urlsafe(24)
    # Two days are longer than any run, also with a wrong clock.
    until = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(time.time() + 172800))
    verifier = scram.scram_sha_256(password, os.urandom(16))
    drop_temporary_roles(server, admin_session, owner)
    try:
        admin_session.run(
            f"CREATE ROLE {ident(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"
            f" PASSWORD {literal(verifier)} VALID UNTIL {literal(until)} IN ROLE {ident(owner)}"
        )
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
