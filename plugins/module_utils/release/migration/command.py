# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the migration command, again after a lock timeout."""

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
from .projects import readable_password
from .state import MigrationResult, MigrationRun, MigrationState, store_of

LOCK_TIMEOUT = re.compile(r"lock timeout|\b55P03\b|LockNotAvailable", re.IGNORECASE)


def run_command(
    migration: MigrationRun,
    server: PostgresServer,
    admin: PsqlSession,
    result: MigrationResult,
    version: int,
    owner: str,
) -> None:
    """Run the command, again after a lock timeout, and check the migrated database."""
    state, spec = migration.state, migration.spec
    blockers: list[str] = []

    def note_blockers() -> None:
        # A failed look must not end the migration.
        with contextlib.suppress(SwitchyardError):
            blockers[:] = migration_sessions.blockers(admin, state.database, state.login) or blockers

    while True:
        result.attempts += 1
        outcome = run_once(migration, "1", migration.part, version, note_blockers)
        if outcome.succeeded:
            break
        if outcome.code is None:
            migration_sessions.terminate_sessions(admin, state.database, state.login)
        waited = LOCK_TIMEOUT.search("\n".join(outcome.lines(400)))
        if not waited or result.attempts > spec.retries:
            raise outcome.error(_lock_timeout_message(spec, result.attempts, blockers) if waited else "")
        # A random wait: not in step with the session that holds the lock.
        time.sleep(min(10.0, 0.5 * 2**result.attempts) * random.uniform(0.5, 1.0))
    result.jobs.append(outcome.summary)
    with tenant_session(server, admin, owner, state.database) as session:
        migration_sessions.check_result(session, spec.schema_check)


def run_once(
    migration: MigrationRun, name: str, part: str, version: int, on_poll: t.Callable[[], None], step: str = "migrate"
) -> one_off_jobs.JobResult:
    """Run the command once."""
    env = {
        "PGOPTIONS": migration_sessions.session_options(migration.spec.lock_timeout, version),
        "PGAPPNAME": migration_sessions.APPLICATION,
    }
    job = one_off_jobs.job_of(
        migration.spec, name, part=part, env=env, on_poll=on_poll, step=step, rows=_rows(migration.ctx, migration.state)
    )
    with readable_password(migration.ctx, migration.record.number, part):
        return one_off_jobs.run_one(migration.ctx, migration.record.number, migration.token, job)


def _rows(ctx: StackContext, state: MigrationState) -> int | None:
    """Return how many rows the backup has, or None without a backup."""
    if not state.backup:
        return None
    try:
        return backup_manifest.read(store_of(ctx, state).folder / state.backup).rows
    except backup_manifest.ManifestError:
        return None


def _lock_timeout_message(spec: MigrationSpec, attempts: int, blockers: t.Sequence[str]) -> str:
    holders = f" The last session that held it: {'; '.join(blockers)}." if blockers else ""
    return f"It waited {spec.lock_timeout:g} s for a lock, {attempts} times.{holders} "


def database_state(state: MigrationState) -> str:
    """Return what a failed migration of kind expand leaves, and what to do."""
    backup = f" The backup from before it is {state.backup}." if state.backup else ""
    return (
        f"What the migration did until then stays in {state.database}: its kind is expand, so the running version works"
        f" with it. Correct the migration and deploy again.{backup}"
    )
