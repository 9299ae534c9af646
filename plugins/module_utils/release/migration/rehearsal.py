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
from ...engine import compose_render
from ...postgres import migration_sessions
from ...postgres.sql import ident, literal
from .command import run_once
from .state import REHEARSAL, MigrationRun, store_of_stack


def rehearse(guarded: MigrationRun, version: int) -> float:
    """Prove the backup by restoring it, and try the migration on the copy; return the seconds that took."""
    ctx, going, begin = guarded.ctx, guarded.going, time.monotonic()
    store = store_of_stack(ctx)
    with ctx.lock.renewed(guarded.token, "rehearsal"), store.locked():
        manifest = store.get(str(going.backup))
        with scratch_server.scratch_server(ctx.engine, store, manifest, guarded.wanted()) as copy:
            backup_verify.compare_restored(copy, manifest, store)
            backup_manifest.write(store.folder / manifest.name, manifest.verified_as("restored", time.time()))
            login = str(going.login)
            with copy.session() as admin:
                there = admin.rows(f"SELECT FROM pg_roles WHERE rolname = {literal(login)}")
                admin.run(f"{'ALTER' if there else 'CREATE'} ROLE {ident(login)} LOGIN")
                admin.run(f"GRANT {ident(manifest.owner)} TO {ident(login)}")
                admin.run(f"ALTER ROLE {ident(login)} SET role TO {literal(manifest.owner)}")
                folder = ctx.records.path(guarded.record.number)
                project = atomic_file.read_json(paths.compose_file(folder, REHEARSAL))
                rendered = compose_render.in_network_of(project, copy.client.name)
                atomic_file.write_json(paths.compose_file(folder, REHEARSAL), rendered, 0o600)
                ended = run_once(guarded, "rehearsal", REHEARSAL, version, lambda: None, "rehearse")
                if not ended.succeeded:
                    raise ended.error("That was the rehearsal on a restored copy: the database was not touched. ")
            with copy.session(manifest.database, manifest.owner) as asked:
                migration_sessions.check_result(asked, guarded.spec.schema_check)
    return round(time.monotonic() - begin, 3)
