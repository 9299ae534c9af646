# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backup or restore is asked to do: the stack, its server, its database, and how to verify."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..errors import Problem, SwitchyardError, report
from ..postgres import server as postgres_server
from ..postgres.target import Target
from . import retention

# Where the folder of the backup is in the container
INSIDE = "/backup"
GIGABYTE = 1024**3
COMPRESSION = re.compile(r"(auto|none|(gzip|lz4|zstd)(:[0-9]{1,2})?)\Z")


@dataclass(frozen=True)
class BackupRequest:
    """What a person asks for, of one stack."""

    project: str
    environment: str
    stack: str
    target: Target
    database: str
    release: int | None = None
    format: str = "auto"
    parallel_from: int = 10 * GIGABYTE
    jobs: int | None = None
    compression: str = "auto"
    content: bool = True
    query: str | None = None
    verify: str = "restore"
    scratch: str = "auto"
    rule: retention.RetentionPolicy = field(default_factory=retention.RetentionPolicy)
    named: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The labels of this stack's containers."""
        return postgres_server.labels_of(self.project, self.environment, self.stack)

    def container(self, what: str, run: str) -> str:
        """Return the name of a container of one run."""
        return f"{self.project}_{self.stack}_{self.environment}_{what}-{run}"

    def problems(self) -> list[Problem]:
        """Return what is wrong with it."""
        found = self.target.problems()
        if not COMPRESSION.match(self.compression):
            found.append(
                Problem(
                    "compression",
                    f"{self.compression} is unknown",
                    "Write zstd:3, gzip:6, lz4 or none",
                    "backup.compression",
                )
            )
        for name, value in (("jobs", self.jobs), ("keep", self.rule.count), ("keep_days", self.rule.days)):
            if value is not None and value < 1:
                found.append(Problem(name, f"{value} is less than 1", "Write 1 or more", "backup.too_small"))
        if self.rule.count is not None and self.rule.count < 1:
            found.append(
                Problem("keep", "the backup that is made now would be gone", "Write 1 or more", "backup.too_small")
            )
        return list(dict.fromkeys(found))


def raise_for(problems: t.Sequence[Problem], wanted: BackupRequest) -> None:
    """Raise SwitchyardError with all problems, where there are any."""
    if problems:
        heading = f"Nothing was done with {wanted.database} ({wanted.target.where}). To be put right"
        raise SwitchyardError(report(problems, heading), problems=[problem.as_dict() for problem in problems])
