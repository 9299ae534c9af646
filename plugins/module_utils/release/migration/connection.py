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
from .state import ROLE, MigrationState, backup_request

# Seconds to wait for a backup that another run makes.
PATIENCE = 900.0
T = t.TypeVar("T")


@contextlib.contextmanager
def connected(ctx: StackContext, state: MigrationState) -> t.Iterator[tuple[PostgresServer, PsqlSession]]:
    """Connect to the migrated database's server as its administrator. The stack's lock allows only one run."""
    request = backup_request(ctx, state)
    labels = names.labels(project=ctx.project, environment=ctx.environment, stack=ctx.stack, role=ROLE)
    leftovers = ctx.containers(role=ROLE)
    client_container.remove(*(container.name for container in leftovers))
    name = request.container("migrate", str(os.getpid()))
    with postgres_server.connect(ctx.engine, request.target, name, labels) as server, server.session() as admin:
        yield server, admin


def retry_while_busy(work: t.Callable[[], T], limit: float = PATIENCE) -> T:
    """Do what needs the backup store; wait for a backup that another or an interrupted run still makes."""
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
    """Open a session in a tenant's database that reads all of its rows and can do no more than the tenant."""
    with temporary_role.reader(server, admin, owner, "m") as login, server.session(database, login) as session:
        yield session
