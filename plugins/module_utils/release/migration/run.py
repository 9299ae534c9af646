# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a migration that cannot lose data.

``expand``: a verified backup, then the migration while the old version serves, then a check that it still does.
``breaking`` and ``contract``: no client can write from before the backup until the new version is live; a failure until
then is undone by restoring that backup.

``migration.json`` has each step before it begins. The next run finishes an interrupted one, from that file and from the
state of the proxy and the server.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace

from ... import atomic_file, names
from ...backup import create
from ...backup.retention import RetentionPolicy
from ...errors import SwitchyardError
from ...postgres import catalog, content_snapshot, migration_sessions
from ...postgres.lockout import LockoutFile, enable_logins
from ...postgres.psql_session import PsqlSession
from ...postgres.server import PostgresServer
from . import projects
from .command import database_state, run_command
from .compatibility import check_old_version, serving_release
from .connection import connected, retry_while_busy, tenant_session
from .rehearsal import rehearse
from .state import PART, MigrationResult, MigrationRun, save_state, state_path, store_of


def run_guarded(migration: MigrationRun, result: MigrationResult, hold: t.Callable[[], None]) -> None:
    """Back up, migrate and check the result; ``hold`` stops the old version, if the release requires it.

    Raises SwitchyardError; ``undo.undo`` reverts what was done until then.
    """
    ctx, state = migration.ctx, migration.state
    old = serving_release(migration)
    with connected(ctx, state) as (server, admin):
        result.ended_sessions = migration_sessions.terminate_sessions(admin, state.database, state.login)
        database = catalog.database_facts(admin, state.database)
        if not database:
            raise SwitchyardError(f"There is no database {state.database}. Run setup.yml.")
        owner = str(database["owner"])
        with tenant_session(server, admin, owner, state.database) as session:
            empty = content_snapshot.has_no_tables(session)
        version = int(catalog.server_facts(admin)["number"])
        if state.login:
            migration_sessions.set_lock_timeout(admin, state.database, state.login, migration.spec.lock_timeout)
        if state.accessory and migration.stops:
            # The lockout rejects connections from everywhere else.
            container = str(migration.backup_request().target.container)
            projects.write_in_network_of(ctx, migration.record.number, PART, container)
        if migration.stops and not empty:
            save_state(ctx, state)
            hold()
            _run_offline(migration, server, admin, result, version, owner)
            # The new version must connect. The proxy still holds requests, so no client writes.
            if state.accessory:
                LockoutFile(store_of(ctx, state).folder).admit(admin)
            else:
                enable_logins(admin, [names.database(ctx.stack, ctx.environment)])
            return
        if not empty and migration.spec.verify_backup != "none":
            state = replace(state, backup=_backup(migration, result, migration.spec.verify_backup))
        hold()
        state = replace(state, step="begun")
        save_state(ctx, state)
        try:
            run_command(replace(migration, state=state), server, admin, result, version, owner)
        except SwitchyardError as error:
            raise SwitchyardError(f"{error} {database_state(state)}", **error.details) from error
        finally:
            # A run that lost its lock leaves the file to the next one.
            with contextlib.suppress(SwitchyardError):
                ctx.lock.renew(migration.token, "migrated")
                atomic_file.write_or_remove(state_path(ctx), None)
    if old and not empty:
        check_old_version(migration, state, old)


def _run_offline(
    migration: MigrationRun,
    server: PostgresServer,
    admin: PsqlSession,
    result: MigrationResult,
    version: int,
    owner: str,
) -> None:
    """Disable the logins, back up, rehearse on the restored backup, and migrate."""
    ctx, state = migration.ctx, migration.state
    store = store_of(ctx, state)
    logins = []
    if not server.dedicated:
        logins = [login for login in migration_sessions.enabled_logins(admin, state.database) if login != state.login]

    def lock_out() -> None:
        with store.locked():
            LockoutFile(store.folder).lock_out(admin, state.database, logins, server.dedicated)

    retry_while_busy(lock_out)
    rehearses = migration.spec.verify_backup == "restore"
    state = replace(state, backup=_backup(migration, result, "none" if rehearses else migration.spec.verify_backup))
    save_state(ctx, state)
    migration = replace(migration, state=state)
    if rehearses:
        result.rehearsal_seconds = retry_while_busy(lambda: rehearse(migration, version))
    ctx.lock.renew(migration.token, "migrate")
    state = replace(state, step="begun")
    save_state(ctx, state)
    run_command(replace(migration, state=state), server, admin, result, version, owner)


def _backup(migration: MigrationRun, result: MigrationResult, verify: str) -> str:
    """Make a backup and record its name in the release; backups of removed releases are removed."""
    ctx = migration.ctx
    store = store_of(ctx, migration.state)
    kept = {record.number for record in ctx.records.all()}
    named = {backup.name for backup in store.usable() if backup.release is None or backup.release in kept}
    request = migration.backup_request(
        verify=verify, release=migration.record.number, retention=RetentionPolicy(count=1), keep_names=tuple(named)
    )
    try:
        with ctx.lock.renewed(migration.token, "backup"):
            result.backup = retry_while_busy(lambda: create.create_backup(ctx.engine, store, request)).name
    except (SwitchyardError, OSError) as error:
        details = error.details if isinstance(error, SwitchyardError) else {}
        raise SwitchyardError(f"The backup failed, so nothing was migrated. {error}", **details) from error
    ctx.records.save(ctx.records.require(migration.record.number).updated(backup=result.backup))
    return result.backup
