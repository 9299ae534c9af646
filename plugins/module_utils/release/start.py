# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of a release's color, and what has to happen before it."""

from __future__ import annotations

import typing as t

from . import hold_requests, one_off_jobs
from .context import StackContext
from .migration import pending, run, state


def start(ctx: StackContext, number: int, token: int, with_jobs: bool) -> dict[str, t.Any]:
    """Stop the old application if that has to be, run the one-off commands, and start the color.

    It is one visit, because requests may be waiting. Raises SwitchyardError when a command fails.
    """
    record = ctx.records.need(number)
    stack = record.stack
    done = state.MigrationResult()
    held = dict(hold_requests.NOTHING)

    def stop() -> None:
        held.update(hold_requests.hold_and_stop(ctx, number, token))

    waits = stack.strategy == "recreate"
    if with_jobs:
        # A command that needs no guard may as well be the one that must not run beside the old application.
        if waits and not stack.postgres:
            stop()
        guarded = pending.pending_migration(ctx, record, token, done)
        if guarded:
            run.run_guarded(guarded, done, stop if waits or guarded.stops else lambda: None)
    if waits and not held["stopped"]:
        stop()
    if with_jobs:
        done.jobs += one_off_jobs.run_all(ctx, number, token, one_off_jobs.after_migrate(stack))
    ctx.lock.renew(token, "start")
    ctx.compose_up(record, record.color)
    return {
        "jobs": done.jobs,
        "migration": {
            "pending": done.pending,
            "backup": done.backup,
            "attempts": done.attempts,
            "rehearsal_seconds": done.rehearsed,
            "ended": done.ended,
        },
        **held,
    }
