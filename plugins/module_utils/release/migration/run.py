# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration that cannot lose data.

``expand``: a verified backup, then the migration while the old version serves, then a look whether it still does.
``breaking`` and ``contract``: nobody can write from before the backup until the new version has the public; what fails
until then is undone by restoring that backup.

How far a migration came stands in ``migration.json`` before it is done. A run that was killed is brought to an end by
the next one, from that file and from what proxy and server say.
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
from .command import database_state, run_command
from .compatibility import check_old_version, serving_release
from .connection import connected, retry_while_busy, tenant_session
from .rehearsal import rehearse
from .state import MigrationResult, MigrationRun, save_state, state_path, store_of_stack


def run_guarded(guarded: MigrationRun, done: MigrationResult, hold: t.Callable[[], None]) -> None:
    """Back up, migrate and look at what came of it; ``hold`` stops the old version, where that has to be.

    Raises SwitchyardError; what has to be undone then, ``take_back`` undoes.
    """
    ctx, going = guarded.ctx, guarded.going
    old = serving_release(guarded)
    with connected(ctx, going.database) as (server, admin):
        done.ended = migration_sessions.terminate_sessions(admin, going.database, going.login)
        database = catalog.database_facts(admin, going.database)
        if not database:
            raise SwitchyardError(f"There is no database {going.database}. Run setup.yml.")
        owner = str(database["owner"])
        with tenant_session(server, admin, owner, going.database) as asked:
            empty = content_snapshot.has_no_tables(asked)
        version = int(catalog.server_facts(admin)["number"])
        if going.login:
            migration_sessions.set_lock_timeout(admin, going.database, going.login, guarded.spec.lock_timeout)
        if guarded.stops and not empty:
            save_state(ctx, going)
            hold()
            _run_offline(guarded, server, admin, done, version, owner)
            # The new version has to come in. Its requests still wait, so that nothing of the public's is written.
            enable_logins(admin, [names.database(ctx.stack, ctx.environment)])
            return
        if not empty and guarded.spec.verify_backup != "none":
            going = replace(going, backup=_backup(guarded, done, guarded.spec.verify_backup))
        hold()
        going = replace(going, step="begun")
        save_state(ctx, going)
        try:
            run_command(replace(guarded, going=going), server, admin, done, version, owner)
        except SwitchyardError as error:
            raise SwitchyardError(f"{error} {database_state(going)}", **error.details) from error
        finally:
            # A run that was overtaken leaves the file to the one that goes on.
            with contextlib.suppress(SwitchyardError):
                ctx.lock.renew(guarded.token, "migrated")
                atomic_file.write_or_remove(state_path(ctx), None)
    if old and not empty:
        check_old_version(guarded, going, old)


def _run_offline(
    guarded: MigrationRun, server: PostgresServer, admin: PsqlSession, done: MigrationResult, version: int, owner: str
) -> None:
    """Keep everybody out, back up, try it on the copy, and migrate."""
    ctx, going = guarded.ctx, guarded.going
    store = store_of_stack(ctx)
    keep_out = [one for one in migration_sessions.enabled_logins(admin, going.database) if one != going.login]

    def fence() -> None:
        with store.locked():
            LockoutFile(store.folder).lock_out(admin, going.database, keep_out)

    retry_while_busy(fence)
    rehearses = guarded.spec.verify_backup == "restore"
    going = replace(going, backup=_backup(guarded, done, "none" if rehearses else guarded.spec.verify_backup))
    save_state(ctx, going)
    guarded = replace(guarded, going=going)
    if rehearses:
        done.rehearsed = retry_while_busy(lambda: rehearse(guarded, version))
    ctx.lock.renew(guarded.token, "migrate")
    going = replace(going, step="begun")
    save_state(ctx, going)
    run_command(replace(guarded, going=going), server, admin, done, version, owner)


def _backup(guarded: MigrationRun, done: MigrationResult, verify: str) -> str:
    """Make a backup, and note its name in the release's record; those of releases that are gone go with them."""
    ctx = guarded.ctx
    store = store_of_stack(ctx)
    kept = {record.number for record in ctx.records.all()}
    named = {one.name for one in store.usable() if one.release is None or one.release in kept}
    asked = guarded.wanted(
        verify=verify, release=guarded.record.number, retention=RetentionPolicy(count=1), keep_names=tuple(named)
    )
    try:
        with ctx.lock.renewed(guarded.token, "backup"):
            done.backup = str(retry_while_busy(lambda: create.create_backup(ctx.engine, store, asked))["name"])
    except (SwitchyardError, OSError) as error:
        details = error.details if isinstance(error, SwitchyardError) else {}
        raise SwitchyardError(f"There is no good backup, so nothing was migrated. {error}", **details) from error
    ctx.records.save(ctx.records.require(guarded.record.number).updated(backup=done.backup))
    return done.backup
