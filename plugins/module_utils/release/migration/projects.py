# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose projects of a migration, and its password file."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from ... import atomic_file, names, paths
from ...config.stack import Stack
from ...engine import compose_cli, compose_jobs, compose_render, models
from ..context import StackContext
from .state import PART, REHEARSAL, database_of, migrator_password_path


def migration_projects(
    ctx: StackContext, stack: Stack, folder: Path, release: compose_render.Release
) -> dict[str, models.Mapping]:
    """Return the Compose projects of a migration under its own login: for the real database, and for a copy."""
    spec = stack.migrate
    if not spec or not stack.postgres or not migrator_password_path(ctx).exists():
        return {}
    variables = {"SWITCHYARD_POSTGRES_DATABASE": database_of(ctx, spec)}
    variables["SWITCHYARD_POSTGRES_USER"] = names.login(ctx.stack, ctx.environment, "migrator")
    parts = {PART: variables}
    if spec.stops_old_version:
        parts[REHEARSAL] = {**variables, "SWITCHYARD_POSTGRES_HOST": "127.0.0.1"}
    projects = {}
    for part, own_variables in parts.items():
        values = compose_cli.variables(stack, ctx.project, ctx.environment, **own_variables)
        normalised = compose_cli.normalise(folder / "source", stack.compose, values)
        rendered = compose_render.render(normalised, stack, release).jobs
        projects[part] = compose_jobs.with_password_file(rendered, str(folder / paths.SECRETS / "migrator"))
    return projects


@contextlib.contextmanager
def readable_password(ctx: StackContext, number: int, part: str) -> t.Iterator[None]:
    """Let the one-off container read the migrator's password, for as long as it runs."""
    folder = ctx.records.path(number) / paths.SECRETS
    if part == "jobs" or not folder.is_dir():
        yield
        return
    own = folder / "postgres_password"
    owner = own.stat().st_uid if own.exists() else None
    password = migrator_password_path(ctx).read_text(encoding="utf-8").strip()
    atomic_file.write(folder / "migrator", password, 0o400, owner)
    try:
        yield
    finally:
        (folder / "migrator").unlink()
