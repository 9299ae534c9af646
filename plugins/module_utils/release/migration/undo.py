# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finishes or undoes a migration, also an interrupted one."""

from __future__ import annotations

import typing as t

from ... import atomic_file
from ...backup import restore as backup_restore
from ...backup import restore_plan
from ...config.stack import STOPPING_KINDS
from ...errors import SwitchyardError
from ...postgres import migration_sessions
from ...postgres.lockout import LockoutFile
from ...postgres.psql_session import ConnectionLost
from ..context import StackContext
from ..record import Record
from .connection import PATIENCE, connected, retry_while_busy
from .state import MigrationState, backup_request, load_state, state_path, store_of


def finish_migration(ctx: StackContext, number: int) -> None:
    """Enable the logins again: the release is live, and its migration is done."""
    state = load_state(ctx)
    if not state or state.release != number:
        return
    _readmit_logins(ctx, state)


def _readmit_logins(ctx: StackContext, state: MigrationState) -> None:
    store = store_of(ctx, state)
    if LockoutFile(store.folder).read():
        with connected(ctx, state) as (_server, admin):
            LockoutFile(store.folder).lift(admin)
    atomic_file.write_or_remove(state_path(ctx), None)


def past_point_of_no_return(ctx: StackContext, record: Record) -> bool:
    """Return whether a release is live on a schema that the previous one does not work on."""
    state = load_state(ctx)
    return bool(
        state and state.release == record.number and state.kind in STOPPING_KINDS and ctx.live() == record.color
    )


def undo(ctx: StackContext, token: int) -> str | None:
    """Undo the migration in progress, also an interrupted one, unless its version is live; return what was done.

    The proxy and the server show how far it came. Raises SwitchyardError when it cannot be undone; then the lockout
    stays, the proxy holds requests, and the next run begins here again.
    """
    state = load_state(ctx)
    if not state:
        return None
    ctx.lock.renew(token, "undo the migration", PATIENCE)
    if state.kind not in STOPPING_KINDS:
        with connected(ctx, state) as (_server, admin):
            migration_sessions.terminate_sessions(admin, state.database, state.login)
        atomic_file.write_or_remove(state_path(ctx), None)
        return f"the migration of release {state.release} was interrupted; its sessions were ended"
    record = ctx.records.get(state.release)
    if record and ctx.live() == record.color and ctx.release_on(record.color) == state.release:
        _readmit_logins(ctx, state)
        return f"release {state.release} was live already; its database accepts all logins again"
    outcome = f"the migration of release {state.release} had not begun; the database accepts all logins again"
    if state.step == "begun":
        outcome = _restore(ctx, state, token)
    _readmit_logins(ctx, state)
    return outcome


def _restore(ctx: StackContext, state: MigrationState, token: int) -> str:
    store = store_of(ctx, state)

    def lock_out() -> None:
        with store.locked():
            # The new version may be connected: it loses its database before the restore.
            LockoutFile(store.folder).lock_out(admin, state.database, [])

    with ctx.lock.renewed(token, "restore"):
        with connected(ctx, state) as (_server, admin):
            migration_sessions.terminate_sessions(admin, state.database, state.login)
            retry_while_busy(lock_out)
        request = restore_plan.RestoreRequest(str(state.backup))
        result = _twice(lambda: backup_restore.restore_backup(ctx.engine, store, backup_request(ctx, state), request))
    retained = f"; the migrated one is retained as {result.retained}" if result.retained else ""
    return f"{state.database} was restored from the backup {state.backup}, from before the migration{retained}"


def _twice(restore: t.Callable[[], backup_restore.RestoreResult]) -> backup_restore.RestoreResult:
    """Restore, and once more when the server died during it: it is up again, with the database as before."""
    try:
        return retry_while_busy(restore)
    except SwitchyardError as error:
        if not isinstance(error.__cause__, ConnectionLost):
            raise
        return retry_while_busy(restore)
