# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a migration on disk, and its files."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ... import names, paths, state_file
from ...backup import request
from ...backup.store import BackupStore
from ...config.stack import MigrationSpec
from ...postgres import accessory, passwords
from ...postgres.accessory import PostgresAccessory
from ...postgres.target import Target
from ..context import StackContext
from ..one_off_jobs import JobSummary
from ..record import Record

# Compose projects of the migration: under its own login or in an accessory's network, and on the restored copy.
PART, REHEARSAL = "migrate", "rehearse"

# The role of our client containers: a release does not wait for them.
ROLE = "migrate"


@state_file.register(paths.MIGRATION)
@dataclass(frozen=True)
class MigrationState:
    """A migration in progress.

    ``step`` is ``locked_out`` while the database is unchanged, ``begun`` from the migration on. ``login`` is the login
    that migrates, None for the application's own. ``accessory`` is the service whose PostgreSQL has the database, None
    for the shared server.
    """

    release: int
    kind: str
    database: str
    step: str = "locked_out"
    login: str | None = None
    backup: str | None = None
    accessory: str | None = None
    extra: dict[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MigrationRun:
    """The migration of one release."""

    ctx: StackContext
    record: Record
    token: int
    state: MigrationState
    spec: MigrationSpec

    @property
    def stops(self) -> bool:
        """Whether the old version has to stop, because it would not work on the new schema."""
        return self.spec.stops_old_version

    @property
    def part(self) -> str:
        """The Compose project of the migration: one with a login or a network of its own, if there is one."""
        return PART if self.state.login or (self.state.accessory and self.stops) else "jobs"

    def backup_request(self, **more: t.Any) -> request.BackupRequest:
        """Return the request for a backup or a restore of the migrated database."""
        return backup_request(self.ctx, self.state, **more)


@dataclass
class MigrationResult:
    """What was done so far about a migration; ``jobs`` are its commands, which a module returns with all others."""

    jobs: list[JobSummary] = field(default_factory=list, metadata=state_file.not_in_json())
    pending: bool = False
    backup: str | None = None
    ended_sessions: list[str] = field(default_factory=list)
    attempts: int = 0
    rehearsal_seconds: float | None = None


def state_path(ctx: StackContext) -> Path:
    """Return the file with the state of a migration."""
    return ctx.folder / paths.MIGRATION


def load_state(ctx: StackContext) -> MigrationState | None:
    """Return the migration in progress, also an interrupted one, or None."""
    return state_file.load(state_path(ctx), MigrationState)


def save_state(ctx: StackContext, state: MigrationState) -> None:
    """Write the state, before the step that it announces."""
    state_file.save(state_path(ctx), state)


def store_of(ctx: StackContext, state: MigrationState) -> BackupStore:
    """Return the backup store of a migrated database."""
    source = (state.accessory, state.database) if state.accessory else None
    return BackupStore(ctx.host.root, ctx.project, ctx.environment, ctx.stack, source)


def migrator_password_path(ctx: StackContext) -> Path:
    """Return the file with the password of the stack's migrator, which the role ``postgres`` writes."""
    return passwords.password_path(
        paths.postgres_folder(ctx.host.root), names.login(ctx.stack, ctx.environment, "migrator")
    )


def database_of(ctx: StackContext, spec: MigrationSpec) -> str:
    """Return the name of the database on the shared server that a migration changes."""
    return spec.database or names.database(ctx.stack, ctx.environment)


def accessory_of(ctx: StackContext, service: str) -> PostgresAccessory:
    """Return an accessory of the stack with PostgreSQL. Raises SwitchyardError when it does not run."""
    return accessory.require(ctx.engine, ctx.project, ctx.environment, ctx.stack, service)


def backup_request(ctx: StackContext, state: MigrationState, **more: t.Any) -> request.BackupRequest:
    """Return the request for a backup or a restore of a migrated database."""
    target = Target(container=names.shared(ctx.project, "postgres"))
    if state.accessory:
        server = accessory_of(ctx, state.accessory)
        target = server.target(state.database)
        more.update(accessory=state.accessory, aliases=ctx.engine.host_names(server.container))
    return request.BackupRequest(ctx.project, ctx.environment, ctx.stack, target, state.database, **more)
