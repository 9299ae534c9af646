# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearses a migration on the restored backup."""

from __future__ import annotations

import time

from ...backup import manifest as backup_manifest
from ...backup import scratch_server
from ...backup import verify as backup_verify
from ...postgres import migration_sessions
from ...postgres.psql_session import PsqlSession
from ...postgres.sql import ident, literal
from . import projects
from .command import run_once
from .connection import tenant_session
from .state import REHEARSAL, MigrationRun, store_of


def rehearse(migration: MigrationRun, version: int) -> float:
    """Verify the backup by restoring it, and run the migration on it; return the seconds that took."""
    ctx, state, begin = migration.ctx, migration.state, time.monotonic()
    store = store_of(ctx, state)
    with ctx.lock.renewed(migration.token, "rehearsal"), store.locked():
        manifest = store.get(str(state.backup))
        with scratch_server.scratch_server(ctx.engine, store, manifest, migration.backup_request()) as copy:
            backup_verify.compare_restored(copy, manifest, store)
            backup_manifest.write(store.folder / manifest.name, manifest.verified_as("restored", time.time()))
            with copy.session() as admin:
                if state.login:
                    _create_login(admin, state.login, manifest.owner)
                projects.write_in_network_of(ctx, migration.record.number, REHEARSAL, copy.client.name)
                outcome = run_once(migration, "rehearsal", REHEARSAL, version, lambda: None, "rehearse")
                if not outcome.succeeded:
                    raise outcome.error("That was the rehearsal on a restored backup: the database was not touched. ")
                with tenant_session(copy, admin, manifest.owner, manifest.database) as session:
                    migration_sessions.check_result(session, migration.spec.schema_check)
    return round(time.monotonic() - begin, 3)


def _create_login(admin: PsqlSession, login: str, owner: str) -> None:
    """Create the migrator on the scratch server; it needs no password there."""
    exists = admin.rows(f"SELECT FROM pg_roles WHERE rolname = {literal(login)}")
    admin.run(f"{'ALTER' if exists else 'CREATE'} ROLE {ident(login)} LOGIN")
    admin.run(f"GRANT {ident(owner)} TO {ident(login)}")
    admin.run(f"ALTER ROLE {ident(login)} SET role TO {literal(owner)}")
