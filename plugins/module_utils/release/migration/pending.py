# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a release has a migration to run."""

from __future__ import annotations

from ... import names, paths
from ...config.schema import STOPPING_KINDS
from ...errors import SwitchyardError
from .. import one_off_jobs
from ..context import StackContext
from ..record import Record
from .projects import password_in_reach
from .state import PART, MigrationResult, MigrationRun, MigrationState, database_of, migrator_password_path


def is_pending(ctx: StackContext, record: Record, token: int, part: str) -> bool:
    """Return whether there is anything to migrate; the application says so, and without a word of it there is."""
    migrate = record.stack["migrate"]
    if not migrate["check"]:
        return True
    check = {**migrate, "command": migrate["check"]}
    with password_in_reach(ctx, record.number, part):
        return not one_off_jobs.run_one(
            ctx, record.number, token, one_off_jobs.from_inventory(check, "check", part=part)
        ).good


def pending_migration(ctx: StackContext, record: Record, token: int, done: MigrationResult) -> MigrationRun | None:
    """Return the migration of a release where one is pending that has to be guarded. Nothing has changed yet.

    A command that has no database on the shared server is run here. Raises SwitchyardError where a migration is
    pending and nobody has said of which kind it is.
    """
    stack = record.stack
    if not stack["migrate"]:
        return None
    own = paths.compose_file(ctx.records.path(record.number), PART).exists()
    done.pending = is_pending(ctx, record, token, PART if own else "jobs")
    if not done.pending:
        return None
    if not stack["postgres"]:
        done.jobs += one_off_jobs.run_all(
            ctx, record.number, token, [one_off_jobs.from_inventory(stack["migrate"], "1", step="migrate")]
        )
        return None
    kind = stack["migrate"]["kind"]
    if not kind:
        raise SwitchyardError(
            f"A migration of {ctx.stack} is pending, and nobody has said of which kind it is. Nothing was changed."
            " Write migrate.kind: expand where the version that runs now also works on the new schema; contract where"
            " what is taken away is used by no version that runs any more; breaking for everything else."
        )
    login = names.login(ctx.stack, ctx.environment, "migrator") if own else None
    if kind in STOPPING_KINDS and not login:
        raise SwitchyardError(
            f"A migration of the kind {kind} needs a login of its own, because the application's is kept out meanwhile."
            f" {migrator_password_path(ctx)} is missing: run setup.yml. Nothing was changed."
        )
    return MigrationRun(ctx, record, token, MigrationState(record.number, kind, database_of(ctx, stack), login=login))
