# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A login that exists for one run and can do what a database's owner can."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
import typing as t

from . import scram
from .psql_session import ConnectionLost, PsqlSession, QueryError
from .server import PostgresServer
from .sql import ident, literal

PREFIX = "__guest_"


def role_name(owner: str, run: str) -> str:
    """Return the name of a run's login; PostgreSQL cuts names after 63 bytes."""
    tail = f"{PREFIX}{run}"
    return owner.encode()[: 63 - len(tail)].decode("utf-8", "ignore") + tail


@contextlib.contextmanager
def temporary_role(server: PostgresServer, admin: PsqlSession, owner: str, run: str) -> t.Iterator[str]:
    """Give a login that is a member of the owner, and can do what the owner can and nothing else.

    It begins every session as the owner. It is gone afterwards, and after a kill the next run removes it.
    """
    name, password = role_name(owner, run), secrets.token_urlsafe(24)
    # Two days are longer than any run, wherever the server's clock stands.
    until = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(time.time() + 172800))
    proof = scram.scram_sha_256(password, os.urandom(16))
    drop_temporary_roles(server, admin, owner)
    try:
        admin.run(
            f"CREATE ROLE {ident(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"
            f" PASSWORD {literal(proof)} VALID UNTIL {literal(until)} IN ROLE {ident(owner)}"
        )
        admin.run(f"ALTER ROLE {ident(name)} SET role TO {literal(owner)}")
        server.remember(name, password)
        yield name
    finally:
        server.forget(name)
        # Where the server is gone, the next run does it, and the error that brought us here is the one to show.
        with contextlib.suppress(ConnectionLost):
            drop_temporary_roles(server, admin, owner)


def drop_temporary_roles(server: PostgresServer, admin: PsqlSession, owner: str) -> list[str]:
    """Remove the logins that runs made for an owner, and end their sessions; return their names."""
    prefix = role_name(owner, "")
    found = admin.rows(f"SELECT rolname AS name FROM pg_roles WHERE starts_with(rolname, {literal(prefix)})")
    gone = [row["name"] for row in found]
    for name in gone:
        admin.run(f"ALTER ROLE {ident(name)} NOLOGIN")
        admin.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = {literal(name)}")
        try:
            admin.run(f"DROP ROLE {ident(name)}")
        except QueryError as error:
            if error.state != "2BP01":
                raise
            _reassign_and_drop(server, admin, name, owner)
            admin.run(f"DROP ROLE {ident(name)}")
    return gone


def _reassign_and_drop(server: PostgresServer, admin: PsqlSession, name: str, owner: str) -> None:
    """Give what a login owns to the owner, in every database: a tenant's function can make something in its name."""
    databases = admin.rows(
        "SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database d ON d.oid = dbid"
        f" WHERE refobjid = (SELECT oid FROM pg_roles WHERE rolname = {literal(name)})"
    )
    for row in databases:
        with server.session(row["datname"]) as inside:
            inside.run(f"REASSIGN OWNED BY {ident(name)} TO {ident(owner)}")
            inside.run(f"DROP OWNED BY {ident(name)}")
