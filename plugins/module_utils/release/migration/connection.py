# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of a migration with the shared PostgreSQL server."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ... import names
from ...backup.store import StoreBusy
from ...postgres import client_container, temporary_role
from ...postgres import server as postgres_server
from ...postgres.psql_session import PsqlSession
from ...postgres.server import PostgresServer
from ..context import StackContext
from .state import ROLE, backup_request

# So long a backup that somebody else makes is waited for.
PATIENCE = 900.0
T = t.TypeVar("T")


@contextlib.contextmanager
def connected(ctx: StackContext, database: str) -> t.Iterator[tuple[PostgresServer, PsqlSession]]:
    """Give the shared server, and a session of its administrator. Only one run has the stack's lock, and so this."""
    asked = backup_request(ctx, database)
    labels = names.labels(project=ctx.project, environment=ctx.environment, stack=ctx.stack, role=ROLE)
    left = ctx.containers(role=ROLE)
    client_container.remove(*(one.name for one in left))
    name = asked.container("migrate", str(os.getpid()))
    with postgres_server.connect(ctx.engine, asked.target, name, labels) as server, server.session() as admin:
        yield server, admin


def retry_while_busy(work: t.Callable[[], T], limit: float = PATIENCE) -> T:
    """Do what needs the backups; a backup that somebody else makes, or a killed run still does, is waited for."""
    deadline = time.monotonic() + limit
    while True:
        try:
            return work()
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


@contextlib.contextmanager
def tenant_session(server: PostgresServer, admin: PsqlSession, owner: str, database: str) -> t.Iterator[PsqlSession]:
    """Give a session in a tenant's database that can do no more than the tenant."""
    with temporary_role.temporary_role(server, admin, owner, "m") as login, server.session(database, login) as session:
        yield session
