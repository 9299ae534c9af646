# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request for a backup or a restore: stack, server, database, and how to verify."""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass, field

from .. import paths
from ..engine.docker_client import Engine
from ..errors import Problem, SwitchyardError, report
from ..postgres import server as postgres_server
from ..postgres.target import Target
from .retention import RetentionPolicy

# The folder of the backup in a container
BACKUP_MOUNT = "/backup"
GIGABYTE = 1024**3

# pg_dump --compress=METHOD:LEVEL (manual, "pg_dump")
COMPRESSION = re.compile(r"(auto|none|(gzip|lz4|zstd)(:[0-9]{1,2})?)\Z")


@dataclass(frozen=True)
class BackupRequest:
    """What to back up or restore, and the options of a backup; ``parallel_from`` is in bytes.

    ``accessory`` is the service of an accessory that has the database; None for the shared server. ``aliases`` are
    host names by which a container that shares the scratch server's network reaches it.
    """

    project: str
    environment: str
    stack: str
    target: Target
    database: str
    release: int | None = None
    format: str = "auto"
    parallel_from: int = 10 * GIGABYTE
    parallel_jobs: int | None = None
    compression: str = "auto"
    verify_content: bool = True
    version_query: str | None = None
    verify: str = "restore"
    scratch: str = "auto"
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    keep_names: tuple[str, ...] = ()
    accessory: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def source(self) -> str | None:
        """The accessory and its database as one name; None for the stack's database on the shared server."""
        return paths.source_name((self.accessory, self.database)) if self.accessory else None

    @property
    def labels(self) -> dict[str, str]:
        """The labels of this database's backup containers."""
        return postgres_server.labels_of(self.project, self.environment, self.stack, self.source)

    def container(self, purpose: str, run: str) -> str:
        """Return the name of a container of one run."""
        # A database's name can have characters that a container's cannot.
        source = f"{hashlib.sha256(self.source.encode()).hexdigest()[:8]}-" if self.source else ""
        return f"{self.project}_{self.stack}_{self.environment}_{purpose}-{source}{run}"

    def remove_leftover_containers(self, engine: Engine) -> list[str]:
        """Remove the containers that an interrupted run for this database left; return their names."""
        return postgres_server.remove_leftover_containers(
            engine, self.project, self.environment, self.stack, self.source
        )

    def problems(self) -> list[Problem]:
        """Return the invalid options."""
        problems = self.target.problems()
        if not COMPRESSION.match(self.compression):
            message = f"{self.compression} is not a compression method"
            problems.append(Problem("compression", message, "Use zstd:3, gzip:6, lz4 or none", "backup.compression"))
        for name, value in (
            ("parallel_jobs", self.parallel_jobs),
            ("keep", self.retention.count),
            ("keep_days", self.retention.days),
        ):
            if value is not None and value < 1:
                problems.append(Problem(name, f"{value} is less than 1", "Use 1 or more", "backup.too_small"))
        if self.retention.count is not None and self.retention.count < 1:
            message = "the new backup would be removed at once"
            problems.append(Problem("keep", message, "Use 1 or more", "backup.too_small"))
        return list(dict.fromkeys(problems))


def raise_for(problems: t.Sequence[Problem], request: BackupRequest) -> None:
    """Raise SwitchyardError with all problems, if there are any."""
    if problems:
        heading = f"Nothing was changed in {request.database} ({request.target.where}). Problems"
        raise SwitchyardError(report(problems, heading), problems=[problem.as_dict() for problem in problems])
