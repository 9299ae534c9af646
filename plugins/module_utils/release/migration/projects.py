# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose projects of a migration, and its password file."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from ... import atomic_file, names, paths
from ...engine import compose_jobs, compose_render, models
from .. import source_files
from ..context import StackContext
from ..mount_plan import plan_mounts
from ..stack_input import StackInput
from .state import PART, REHEARSAL, database_of, migrator_password_path


def migration_projects(
    ctx: StackContext, given: StackInput, folder: Path, release: compose_render.Release, images: t.Mapping[str, str]
) -> dict[str, models.Mapping]:
    """Return the Compose projects of a migration under its own login: for the real database, and for a copy.

    ``images`` are the names of the images by service: a built one has no name in the Compose files.
    """
    stack = given.stack
    spec = stack.migrate
    if not spec or not stack.shared_database or not migrator_password_path(ctx).exists():
        return {}
    variables = {"SWITCHYARD_POSTGRES_DATABASE": database_of(ctx, spec)}
    variables["SWITCHYARD_POSTGRES_USER"] = names.login(ctx.stack, ctx.environment, "migrator")
    parts = {PART: variables}
    if spec.stops_old_version:
        parts[REHEARSAL] = {**variables, "SWITCHYARD_POSTGRES_HOST": "127.0.0.1"}
    projects = {}
    for part, own_variables in parts.items():
        files = source_files.read(ctx, given, **own_variables)
        mounts = plan_mounts(files.content, given.tree, stack.compose, ctx.folder)
        for name, service in mounts.normalised["services"].items():
            service["image"] = images.get(name, service.get("image"))
        rendered = compose_render.render(mounts.normalised, stack, release).jobs
        projects[part] = compose_jobs.with_password_file(rendered, str(folder / paths.SECRETS / "migrator"))
    return projects


def write_in_network_of(ctx: StackContext, number: int, part: str, container: str) -> None:
    """Write the project of a part whose commands run in the network of a container.

    A part of an accessory's migration is made of the jobs; only the migration itself may write into their volumes.
    """
    folder = ctx.records.path(number)
    source = paths.compose_file(folder, part)
    project = atomic_file.read_json(source if source.exists() else paths.compose_file(folder, "jobs"))
    rendered = compose_jobs.in_network_of(project or {}, container, read_only=part == REHEARSAL)
    atomic_file.write_json(source, rendered, 0o600)


@contextlib.contextmanager
def readable_password(ctx: StackContext, number: int, part: str) -> t.Iterator[None]:
    """Let the one-off container read the migrator's password, for as long as it runs."""
    # An accessory has no migrator: its migration has the application's own credentials.
    if part == "jobs" or not ctx.records.require(number).stack.shared_database:
        yield
        return
    folder = ctx.records.path(number) / paths.SECRETS
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = ctx.records.require(number).stack.secrets_owner
    password = migrator_password_path(ctx).read_text(encoding="utf-8").strip()
    atomic_file.write(folder / "migrator", password, 0o444 if owner is None else 0o400, owner)
    try:
        yield
    finally:
        (folder / "migrator").unlink()
