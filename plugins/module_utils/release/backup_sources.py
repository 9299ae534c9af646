# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of stacks that a backup holds: on the shared server, and in accessories with PostgreSQL.

The inventory has no image names, and an application may create databases: so the server is asked. The records of the
releases have the keys ``postgres.accessory`` and ``postgres.databases``.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import paths
from ..backup import options
from ..engine.docker_client import Engine
from ..errors import Problem, SwitchyardError, report
from ..postgres import accessory as postgres_accessory
from ..postgres.accessory import PostgresAccessory
from ..postgres.server import labels_of
from .record import Records


@dataclass(frozen=True)
class BackupSource:
    """One database to back up; without an accessory, the stack's on the shared server."""

    stack: str
    accessory: str | None = None
    database: str | None = None

    def as_dict(self) -> dict[str, str]:
        """Return the options of a backup that name it."""
        named = {"stack": self.stack, "accessory": self.accessory, "database": self.database}
        return {key: value for key, value in named.items() if value}


def databases_of_stacks(
    engine: t.Callable[[], Engine],
    params: t.Mapping[str, t.Any],
    stacks: t.Sequence[str],
    accessory_stacks: t.Sequence[str],
    required: bool = True,
) -> list[BackupSource]:
    """Return the databases of stacks: of ``stacks`` on the shared server, of ``accessory_stacks`` in accessories.

    ``engine`` connects to it. ``params`` has root, project and environment. Raises SwitchyardError with all problems,
    also when there is no database at all and one is ``required``.
    """
    sources = [BackupSource(stack) for stack in stacks]
    problems: list[Problem] = []
    for stack in accessory_stacks:
        try:
            sources += _of_accessories(engine(), params, stack, problems)
        except SwitchyardError as error:
            problems.append(error.problem(stack, "Correct that, and start again", code="backup.accessory"))
    if required and not sources and not problems:
        named = sorted({*stacks, *accessory_stacks})
        message = f"{', '.join(named)} has none" if named else "no stack has postgres or accessories"
        hint = "Add postgres to a stack; an accessory is found by its image, or by postgres: {accessory: <service>}"
        problems.append(Problem("databases", message, hint, "backup.no_database"))
    if problems:
        heading = "Nothing was backed up. Problems"
        raise SwitchyardError(report(problems, heading), problems=[problem.as_dict() for problem in problems])
    return sources


def expand(params: t.Mapping[str, t.Any], engine: t.Callable[[], Engine]) -> list[dict[str, t.Any]]:
    """Return the options of each backup that one's options mean.

    ``options.ANY_ACCESSORY`` means all databases of all accessories of a stack. Raises SwitchyardError.
    """
    if params.get("accessory") != options.ANY_ACCESSORY:
        return [dict(params)]
    sources = databases_of_stacks(engine, params, [], [params["stack"]])
    return [{**params, **source.as_dict()} for source in sources]


def _of_accessories(
    engine: Engine, params: t.Mapping[str, t.Any], stack: str, problems: list[Problem]
) -> list[BackupSource]:
    project, environment = params["project"], params["environment"]
    service, named = _keys(params, stack)
    found = postgres_accessory.find_accessories(engine, project, environment, stack)
    if service and service not in [one.service for one in found]:
        message = f"{service} has no container with PostgreSQL on this server"
        problems.append(Problem(f"{stack}.postgres.accessory", message, "Deploy the stack", "backup.accessory"))
        return []
    sources = []
    for one in found:
        if service in (None, one.service):
            sources += _of_accessory(engine, params, stack, one, named, problems)
    return sources


def _of_accessory(
    engine: Engine,
    params: t.Mapping[str, t.Any],
    stack: str,
    found: PostgresAccessory,
    named: t.Sequence[str],
    problems: list[Problem],
) -> list[BackupSource]:
    project, environment = params["project"], params["environment"]
    labels = labels_of(project, environment, stack, f"{found.service}@")
    name = f"{project}_{stack}_{environment}_databases-{os.getpid()}"
    databases = postgres_accessory.databases_of(engine, found, labels, name)
    for missing in sorted(set(named) - set(databases)):
        message = f"{found.service} has no database {missing}; it has {', '.join(databases) or 'none'}"
        problems.append(
            Problem(f"{stack}.postgres.databases", message, "Correct the name", code="postgres.database_missing")
        )
    return [BackupSource(stack, found.service, database) for database in databases if not named or database in named]


def _keys(params: t.Mapping[str, t.Any], stack: str) -> tuple[str | None, t.Sequence[str]]:
    """Return ``postgres.accessory`` and ``postgres.databases`` of the newest release of a stack."""
    folder = paths.stack_folder(Path(params["root"]), params["project"], params["environment"], stack)
    newest = next(iter(Records(folder).all()), None)
    keys = newest.stack.postgres if newest else None
    return (keys.accessory, keys.databases) if keys else (None, ())
