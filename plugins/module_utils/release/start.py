# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of a release's color, after the one-off commands that come before it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from . import hold_requests, one_off_jobs
from .context import StackContext
from .hold_requests import HoldResult
from .migration import pending, run
from .migration.state import MigrationResult


@dataclass(frozen=True)
class StartResult:
    """What ran before the start: the commands with their seconds, the migration, and what was stopped first.

    ``stopped`` is the color that was stopped, ``dropped_requests`` what it still answered at its drain limit.
    """

    jobs: t.Sequence[t.Mapping[str, t.Any]]
    migration: t.Mapping[str, t.Any]
    stopped: str | None
    dropped_requests: int


def start(ctx: StackContext, number: int, token: int, run_jobs: bool) -> StartResult:
    """Stop the old version where the release requires it, run the one-off commands, and start the color.

    All in one visit, because the proxy may hold requests. Raises SwitchyardError when a command fails.
    """
    record = ctx.records.require(number)
    stack = record.stack
    migration = MigrationResult()
    hold = HoldResult()

    def stop_old_version() -> None:
        nonlocal hold
        hold = hold_requests.hold_and_stop(ctx, number, token)

    recreate = stack.strategy == "recreate"
    if run_jobs:
        # Without a guarded migration, the command itself may be what must not run next to the old version.
        if recreate and not stack.postgres:
            stop_old_version()
        guarded = pending.pending_migration(ctx, record, token, migration)
        if guarded:
            run.run_guarded(guarded, migration, stop_old_version if recreate or guarded.stops else lambda: None)
    if recreate and not hold.stopped:
        stop_old_version()
    if run_jobs:
        migration.jobs += one_off_jobs.run_all(ctx, number, token, one_off_jobs.after_migrate(stack))
    ctx.lock.renew(token, "start")
    ctx.compose_up(record, record.color)
    return StartResult(migration.jobs, migration.summary(), hold.stopped, hold.dropped_requests)
