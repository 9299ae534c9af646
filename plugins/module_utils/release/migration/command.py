# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the migration command, with retries while a lock is taken."""

from __future__ import annotations

import contextlib
import random
import re
import time
import typing as t

from ...backup import manifest as backup_manifest
from ...config.stack import MigrationSpec
from ...errors import SwitchyardError
from ...postgres import migration_sessions
from ...postgres.psql_session import PsqlSession
from ...postgres.server import PostgresServer
from .. import one_off_jobs
from ..context import StackContext
from .connection import tenant_session
from .projects import password_in_reach
from .state import MigrationResult, MigrationRun, MigrationState, store_of_stack

LOCK_TIMEOUT = re.compile(r"lock timeout|\b55P03\b|LockNotAvailable", re.IGNORECASE)


def run_command(
    guarded: MigrationRun, server: PostgresServer, admin: PsqlSession, done: MigrationResult, version: int, owner: str
) -> None:
    """Run the command, again where it waited too long for a lock, and look at what it left."""
    going, spec = guarded.going, guarded.spec
    seen: list[str] = []

    def look() -> None:
        # What cannot be seen now is no reason to end a migration.
        with contextlib.suppress(SwitchyardError):
            seen[:] = migration_sessions.blockers(admin, going.database, going.login) or seen

    while True:
        done.attempts += 1
        ended = run_once(guarded, "1", guarded.part, version, look)
        if ended.succeeded:
            break
        if ended.code is None:
            migration_sessions.terminate_sessions(admin, going.database, going.login)
        waited = LOCK_TIMEOUT.search("\n".join(ended.lines(400)))
        if not waited or done.attempts > spec.retries:
            raise ended.error(_blocked(spec, done.attempts, seen) if waited else "")
        # Not in step with whoever holds the lock.
        time.sleep(min(10.0, 0.5 * 2**done.attempts) * random.uniform(0.5, 1.0))
    done.jobs.append(ended.as_dict())
    with tenant_session(server, admin, owner, going.database) as asked:
        migration_sessions.check_result(asked, spec.schema_check)


def run_once(
    guarded: MigrationRun, name: str, part: str, version: int, look: t.Callable[[], None], step: str = "migrate"
) -> one_off_jobs.JobResult:
    """Run the migration's command once."""
    env = {
        "PGOPTIONS": migration_sessions.session_options(guarded.spec.lock_timeout, version),
        "PGAPPNAME": migration_sessions.APPLICATION,
    }
    job = one_off_jobs.job_of(
        guarded.spec, name, part=part, env=env, on_poll=look, step=step, rows=_rows(guarded.ctx, guarded.going)
    )
    with password_in_reach(guarded.ctx, guarded.record.number, part):
        return one_off_jobs.run_one(guarded.ctx, guarded.record.number, guarded.token, job)


def _rows(ctx: StackContext, going: MigrationState) -> int | None:
    """Return how many rows the database had when it was backed up, where it was."""
    if not going.backup:
        return None
    try:
        return backup_manifest.read(store_of_stack(ctx).folder / going.backup).rows
    except backup_manifest.ManifestError:
        return None


def _blocked(spec: MigrationSpec, attempts: int, seen: t.Sequence[str]) -> str:
    who = f" The last one that held it: {'; '.join(seen)}." if seen else ""
    return f"It waited {spec.lock_timeout:g} s for a lock, {attempts} times.{who} "


def database_state(going: MigrationState) -> str:
    backup = f" The backup from before is {going.backup}." if going.backup else ""
    return (
        f"What the migration did before stays in {going.database}: it is of the kind expand, so the version that runs"
        f" works with it. Correct the migration and deploy again.{backup}"
    )
