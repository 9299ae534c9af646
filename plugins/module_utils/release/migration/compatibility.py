# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the old version still works on the migrated schema."""

from __future__ import annotations

from ...config.stack import SmokeCheck
from ...errors import SwitchyardError
from ..context import StackContext
from ..gates import health, smoke
from ..record import Record
from .state import MigrationRun, MigrationState


def serving_release(migration: MigrationRun) -> Record | None:
    """Return the release that serves now and passes its own checks, if it must keep serving."""
    ctx = migration.ctx
    if migration.stops or migration.record.stack.strategy == "recreate":
        return None
    old = ctx.records.get(ctx.release_on(ctx.live()))
    if not old:
        return None
    try:
        # A release that is broken already must not block the one that may repair it.
        _check(ctx, old)
    except SwitchyardError:
        return None
    return old


def _check(ctx: StackContext, old: Record) -> None:
    checks = [
        SmokeCheck(route.health.path, route.health.status, None, route.hosts[0], route.health.request_timeout)
        for route in old.stack.routes
    ]
    smoke.run_smoke_checks(ctx.engine, ctx.proxy, ctx.target(old), [*checks, *old.stack.smoke])


def check_old_version(migration: MigrationRun, state: MigrationState, old: Record) -> None:
    """Run the old version's own checks on the new schema. Raises SwitchyardError when they fail."""
    ctx = migration.ctx
    ctx.lock.renew(migration.token, "old version on the new schema", health.health_timeout(old.stack))
    try:
        target = ctx.target(old)
        health.wait_until_healthy(ctx.engine, ctx.proxy, target, health.health_settings(old.stack))
        smoke.run_smoke_checks(ctx.engine, ctx.proxy, target, old.stack.smoke)
    except SwitchyardError as error:
        backup = f" or restore the backup {state.backup}" if state.backup else ""
        raise SwitchyardError(
            f"The migration was declared expand, but release {old.number}, which is live, does not pass its checks"
            f" on the new schema: {error} {state.database} stays migrated. Deploy a version that works with it"
            f" (kind: breaking stops the old one first){backup}.",
            **error.details,
        ) from error
