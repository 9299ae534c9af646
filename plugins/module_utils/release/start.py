# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of a release: its accessories, then what runs once, then its color."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from . import accessories, hold_requests, one_off_jobs
from .context import StackContext
from .hold_requests import HoldResult
from .migration import pending
from .migration import run as run_migration
from .migration.state import MigrationResult
from .one_off_jobs import JobSummary, OneOffJob


@dataclass(frozen=True)
class StartResult:
    """What ran before the start: the commands with their seconds, the migration, and what was stopped first.

    ``stopped`` is the color that was stopped, ``dropped_requests`` what it still answered at its drain limit.
    ``failed_dependencies`` has a sentence for each dependency that failed and that the Compose file does not require,
    and for each accessory that does not keep running.
    """

    jobs: t.Sequence[JobSummary] = ()
    migration: MigrationResult = field(default_factory=MigrationResult)
    stopped: str | None = None
    dropped_requests: int = 0
    failed_dependencies: t.Sequence[str] = ()


def start(ctx: StackContext, number: int, token: int, run_jobs: bool, start_color: bool = True) -> StartResult:
    """Start a release: its accessories, its one-off commands and its color.

    The old version is stopped first where the release requires it. All in one visit, because the proxy may hold
    requests. Raises SwitchyardError when a command fails, or an accessory that others wait for is not healthy.
    """
    record = ctx.records.require(number)
    stack = record.stack
    migration = MigrationResult()
    hold = HoldResult()
    failed_dependencies = accessories.start(ctx, record, token)
    if not start_color:
        return StartResult((), migration, None, 0, failed_dependencies)

    def stop_old_version() -> None:
        nonlocal hold
        if not hold.stopped:
            hold = hold_requests.hold_and_stop(ctx, number, token)

    def run(jobs: t.Sequence[OneOffJob]) -> None:
        results = one_off_jobs.run_all(ctx, number, token, jobs)
        failed = [result for result in results if result.exit_code != 0]
        failed_dependencies.extend(
            f"The {result.command} failed, and the file does not require it." for result in failed
        )
        migration.jobs += results

    recreate = stack.strategy == "recreate"
    before, after = one_off_jobs.sequence(record)
    if run_jobs:
        # Without a guarded migration, the command itself may be what must not run next to the old version.
        if recreate and (before or not stack.postgres):
            stop_old_version()
        run(before)
        guarded = pending.pending_migration(ctx, record, token, migration)
        if guarded:
            run_migration.run_guarded(
                guarded, migration, stop_old_version if recreate or guarded.stops else lambda: None
            )
    if recreate:
        stop_old_version()
    if run_jobs:
        run(after)
    ctx.lock.renew(token, "start")
    ctx.compose_up(record, record.color)
    # Now, because a program that cannot start needs a moment to end.
    failed_dependencies += accessories.ended(ctx, record)
    dropped = hold.dropped_requests
    return StartResult(migration.jobs, migration, hold.stopped, dropped, failed_dependencies)
