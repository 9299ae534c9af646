# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a release has a migration to run."""

from __future__ import annotations

from dataclasses import replace

from ... import names, paths
from ...config.stack import MigrationSpec
from ...errors import SwitchyardError
from .. import one_off_jobs
from ..context import StackContext
from ..record import Record
from .projects import readable_password
from .state import (
    PART,
    MigrationResult,
    MigrationRun,
    MigrationState,
    accessory_of,
    database_of,
    migrator_password_path,
)


def is_pending(ctx: StackContext, number: int, spec: MigrationSpec, token: int, part: str) -> bool:
    """Return whether a migration is pending: ``check`` fails, or the stack has none."""
    if not spec.check:
        return True
    check = one_off_jobs.job_of(replace(spec, command=spec.check), "check", part=part)
    with readable_password(ctx, number, part):
        return not one_off_jobs.run_one(ctx, number, token, check).succeeded


def pending_migration(ctx: StackContext, record: Record, token: int, result: MigrationResult) -> MigrationRun | None:
    """Return the pending migration of a release that needs guards, or None. Nothing has changed yet.

    The command of a stack without ``postgres`` is run here. Raises SwitchyardError where a migration is
    pending and its kind is not set.
    """
    spec = record.stack.migrate
    if not spec:
        return None
    own = paths.compose_file(ctx.records.path(record.number), PART).exists()
    result.pending = is_pending(ctx, record.number, spec, token, PART if own else "jobs")
    if not result.pending:
        return None
    if not record.stack.postgres:
        job = one_off_jobs.job_of(spec, "1", step="migrate")
        result.jobs += one_off_jobs.run_all(ctx, record.number, token, [job])
        return None
    if not spec.kind:
        raise SwitchyardError(
            f"A migration of {ctx.stack} is pending, and migrate.kind is not set. Nothing was changed."
            " Write migrate.kind: expand where the version that runs now also works on the new schema; contract where"
            " the migration removes only what no running version uses; breaking for everything else."
        )
    if record.stack.postgres.accessory:
        server = accessory_of(ctx, record.stack.postgres.accessory)
        database = spec.database or server.database
        state = MigrationState(record.number, spec.kind, database, accessory=server.service)
        return MigrationRun(ctx, record, token, state, spec)
    login = names.login(ctx.stack, ctx.environment, "migrator") if own else None
    if spec.stops_old_version and not login:
        raise SwitchyardError(
            f"A migration of the kind {spec.kind} needs a login of its own: the application's login is disabled while"
            " it runs."
            f" {migrator_password_path(ctx)} is missing: run setup.yml. Nothing was changed."
        )
    state = MigrationState(record.number, spec.kind, database_of(ctx, spec), login=login)
    return MigrationRun(ctx, record, token, state, spec)
