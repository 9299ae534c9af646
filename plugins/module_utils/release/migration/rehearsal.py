# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearses a migration on the restored backup."""

from __future__ import annotations

import time

from ... import atomic_file, paths
from ...backup import manifest as backup_manifest
from ...backup import scratch_server
from ...backup import verify as backup_verify
from ...engine import compose_jobs
from ...postgres import migration_sessions
from ...postgres.sql import ident, literal
from .command import run_once
from .state import REHEARSAL, MigrationRun, store_of_stack


def rehearse(migration: MigrationRun, version: int) -> float:
    """Verify the backup by restoring it, and run the migration on it; return the seconds that took."""
    ctx, state, begin = migration.ctx, migration.state, time.monotonic()
    store = store_of_stack(ctx)
    with ctx.lock.renewed(migration.token, "rehearsal"), store.locked():
        manifest = store.get(str(state.backup))
        with scratch_server.scratch_server(ctx.engine, store, manifest, migration.backup_request()) as copy:
            backup_verify.compare_restored(copy, manifest, store)
            backup_manifest.write(store.folder / manifest.name, manifest.verified_as("restored", time.time()))
            login = str(state.login)
            with copy.session() as admin:
                exists = admin.rows(f"SELECT FROM pg_roles WHERE rolname = {literal(login)}")
                admin.run(f"{'ALTER' if exists else 'CREATE'} ROLE {ident(login)} LOGIN")
                admin.run(f"GRANT {ident(manifest.owner)} TO {ident(login)}")
                admin.run(f"ALTER ROLE {ident(login)} SET role TO {literal(manifest.owner)}")
                folder = ctx.records.path(migration.record.number)
                project = atomic_file.read_json(paths.compose_file(folder, REHEARSAL))
                rendered = compose_jobs.in_network_of(project, copy.client.name)
                atomic_file.write_json(paths.compose_file(folder, REHEARSAL), rendered, 0o600)
                outcome = run_once(migration, "rehearsal", REHEARSAL, version, lambda: None, "rehearse")
                if not outcome.succeeded:
                    raise outcome.error("That was the rehearsal on a restored backup: the database was not touched. ")
            with copy.session(manifest.database, manifest.owner) as session:
                migration_sessions.check_result(session, migration.spec.schema_check)
    return round(time.monotonic() - begin, 3)
