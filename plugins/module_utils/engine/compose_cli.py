# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack's Compose files: laid down, and put into one normal form by Compose itself."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from .. import command, names
from ..config.stack import Stack
from ..errors import ComposeError, EngineError

TIMEOUT = 60

# How every part of a release is started; the role ``stack`` has the same settings for community.docker. A release has
# pulled its images by then, and what its Compose project does not name any more is removed.
UP = ("up", "--detach", "--remove-orphans", "--pull", "never", "--no-build")
UP_TIMEOUT = 600


def write_sources(files: t.Mapping[str, str], folder: Path) -> None:
    """Write the files of a stack below a folder; names are relative paths without ``..``.

    Raises SwitchyardError for a name that leads out of the folder.
    """
    for name, content in files.items():
        path = folder / name
        if os.path.isabs(name) or ".." in Path(name).parts:
            raise ComposeError(f"{name}: leads out of the stack's folder.", hint="Name files relative to source.path.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        # A file that is mounted is read by the containers' user; the folder above it is closed to everybody else.
        path.chmod(0o644)


def variables(stack: Stack, project: str, environment: str, **other: str) -> dict[str, str]:
    """Return the variables that Compose puts in for ``${...}``: the inventory's, and ours.

    ``other`` are those of ours that are to be different, as the login of a migration.

    Passwords are not among them: they would stand in ``docker inspect``; they reach a container as secret files.
    """
    given = {
        "SWITCHYARD_PROJECT": project,
        "SWITCHYARD_ENVIRONMENT": environment,
        "SWITCHYARD_STACK": stack.name,
    }
    if stack.postgres:
        database = names.database(stack.name, environment)
        given["SWITCHYARD_POSTGRES_HOST"] = names.shared(project, "postgres")
        given["SWITCHYARD_POSTGRES_DATABASE"] = given["SWITCHYARD_POSTGRES_USER"] = database
    if stack.redis:
        given["SWITCHYARD_REDIS_HOST"] = names.shared(project, "redis")
        given["SWITCHYARD_REDIS_USER"] = names.redis_user(stack.name, environment)
        for index, number in enumerate(stack.redis.databases):
            given[f"SWITCHYARD_REDIS_DATABASE{index or ''}"] = str(number)
    return {**given, **other, **stack.variables}


def normalise(folder: Path, files: t.Sequence[str], values: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return what ``docker compose config`` makes of the files: one mapping, variables put in, paths absolute.

    Raises ComposeError with Compose's message when it rejects the files, EngineError when Compose does not answer.
    """
    args = ["docker", "compose", "--project-name", "stack", "--project-directory", str(folder)]
    for name in files:
        args += ["--file", str(folder / name)]
    args += ["config", "--format", "json"]
    # Nothing else of this server's environment may end up in a release.
    result = command.run(
        args, name="docker compose config", timeout=TIMEOUT, env=values, inherit=("PATH", "HOME"), check=False
    )
    # Without the plugin, the Docker client takes the first word or the first option for an error of its own.
    if "is not a docker command" in result.stderr or "unknown flag: --project-name" in result.stderr:
        raise EngineError("The Compose plugin does not answer on this server.", hint="Run setup.yml.")
    if result.code:
        text = result.stderr.strip().replace(f"{folder}/", "")
        raise ComposeError(f"Compose refuses {', '.join(files)}: {text}")
    normalised: dict[str, t.Any] = json.loads(result.stdout)
    return normalised


def up(project: str, file: Path) -> None:
    """Start a Compose project, or make it what its file says. Raises CommandError."""
    args = ["docker", "compose", "-p", project, "-f", str(file), *UP]
    command.run(args, name="docker compose up", timeout=UP_TIMEOUT)
