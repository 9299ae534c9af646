# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finishes or undoes a migration, also one that was interrupted."""

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
from .state import MigrationState, backup_request, load_state, state_path, store_of_stack


def finish_migration(ctx: StackContext, number: int) -> None:
    """Let everybody in again: the release has the public, and the migration is done."""
    going = load_state(ctx)
    if not going or going.release != number:
        return
    _readmit_logins(ctx, going)


def _readmit_logins(ctx: StackContext, going: MigrationState) -> None:
    store = store_of_stack(ctx)
    if LockoutFile(store.folder).read():
        with connected(ctx, going.database) as (_server, admin):
            LockoutFile(store.folder).lift(admin)
    atomic_file.write_or_remove(state_path(ctx), None)


def past_point_of_no_return(ctx: StackContext, record: Record) -> bool:
    """Return whether a release has the public with a schema that the one before does not work on."""
    going = load_state(ctx)
    return bool(
        going and going.release == record.number and going.kind in STOPPING_KINDS and ctx.live() == record.color
    )


def undo(ctx: StackContext, token: int) -> str | None:
    """Undo the migration that is under way or was killed, where the public never got its version; return what was done.

    It is told by the proxy and the server how far it came. Raises SwitchyardError where that fails; then the fence
    stands, requests wait, and the next run begins here again.
    """
    going = load_state(ctx)
    if not going:
        return None
    ctx.lock.renew(token, "take the migration back", PATIENCE)
    if going.kind not in STOPPING_KINDS:
        with connected(ctx, going.database) as (_server, admin):
            migration_sessions.terminate_sessions(admin, going.database, going.login)
        atomic_file.write_or_remove(state_path(ctx), None)
        return f"the migration of release {going.release} was interrupted; its sessions were ended"
    record = ctx.records.get(going.release)
    if record and ctx.live() == record.color and ctx.release_on(record.color) == going.release:
        _readmit_logins(ctx, going)
        return f"release {going.release} had the public already; everybody can come in again"
    told = f"the migration of release {going.release} had not begun; everybody can come in again"
    if going.step == "begun":
        told = _restore(ctx, going, token)
    _readmit_logins(ctx, going)
    return told


def _restore(ctx: StackContext, going: MigrationState, token: int) -> str:
    store = store_of_stack(ctx)

    def fence() -> None:
        with store.locked():
            # The new version may be in: it goes before what it stands on.
            LockoutFile(store.folder).lock_out(admin, going.database, [])

    with ctx.lock.renewed(token, "restore"):
        with connected(ctx, going.database) as (_server, admin):
            migration_sessions.terminate_sessions(admin, going.database, going.login)
            retry_while_busy(fence)
        asked = restore_plan.RestoreRequest(str(going.backup))
        done = _twice(
            lambda: backup_restore.restore_backup(ctx.engine, store, backup_request(ctx, going.database), asked)
        )
    kept = f", the migrated one is kept as {done['retained']}" if done["retained"] else ""
    return f"{going.database} is as in the backup {going.backup} again, from before the migration{kept}"


def _twice(restore: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Restore, and once more where the server died meanwhile: it is there again by now, and as it was before."""
    try:
        return retry_while_busy(restore)
    except SwitchyardError as error:
        if not isinstance(error.__cause__, ConnectionLost):
            raise
        return retry_while_busy(restore)
