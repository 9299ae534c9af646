# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program and the secrets that scheduled backups need on a server: packed code, parameters, off-site repository.

The program is this code, packed as it was loaded. The role ``backup`` writes the timers that start it.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
import typing as t
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from .. import atomic_file, paths
from ..errors import Problem, SwitchyardError, report
from . import offsite_restic, timer_main

# The package that is packed: module_utils, or "switchyard" in the packed program itself
ROOT = __name__.rpartition(".backup.")[0]

# The same bytes each time: a date in an archive would look like a change. ZIP's first date.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ProgramSpec:
    """The desired program: ``backups`` and ``volumes`` are the options of each, ``entry_point`` has ``main()``."""

    root: Path
    project: str
    environment: str
    entry_point: str
    backups: t.Sequence[dict[str, t.Any]] = ()
    volumes: t.Sequence[dict[str, t.Any]] = ()
    check_subset_count: int = 10
    repository: str | None = None
    password: str | None = None
    credentials: t.Mapping[str, str] | None = None
    python: str = sys.executable

    @property
    def folder(self) -> Path:
        """The folder of the environment's backups."""
        return paths.backups_folder(self.root, self.project, self.environment)

    @property
    def program(self) -> Path:
        """The program's file."""
        return self.folder / ".program" / "backup.pyz"

    @property
    def command(self) -> str:
        """The command line that starts the program, for a systemd unit or a crontab."""
        return f"{shlex.quote(self.python)} {self.program}"

    @property
    def repository_folder(self) -> Path:
        """The folder with the repository's URL and secrets."""
        return offsite_restic.repository_folder(self.root, self.project, self.environment)

    def problems(self) -> list[Problem]:
        """Return the invalid options."""
        problems = []
        if bool(self.repository) != bool(self.password):
            message = "one is set without the other"
            problems.append(
                Problem("repository, repository_password", message, "Set both or none", "schedule.repository")
            )
        if self.check_subset_count < 1:
            message = f"{self.check_subset_count} is less than 1"
            problems.append(Problem("check_subset_count", message, "Use 1 or more", "schedule.too_small"))
        for name in self.credentials or ():
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                message = f"{name!r} is not the name of an environment variable"
                problems.append(Problem("credentials", message, "Write it as AWS_REGION", "schedule.credentials"))
        return problems


@dataclass(frozen=True)
class ProgramFile:
    """A desired file, for root only; without content it is removed."""

    path: Path
    content: bytes | None
    mode: int = 0o600

    @property
    def up_to_date(self) -> bool:
        """Whether the file has this content and mode, or does not exist."""
        if not self.path.exists():
            return self.content is None
        same = self.content is not None and self.path.read_bytes() == self.content
        return same and self.path.stat().st_mode & 0o777 == self.mode


@dataclass(frozen=True)
class ProgramPlan:
    """The files that differ, and whether the off-site repository has to be initialised."""

    files: tuple[ProgramFile, ...]
    initialise: bool

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files or self.initialise)

    @property
    def diff(self) -> dict[str, str]:
        """The plan as a diff: paths only, because the files may contain secrets."""
        return {
            "before": "".join(f"{file.path}\n" for file in self.files if file.path.exists()),
            "after": "".join(f"{file.path}  with new content\n" for file in self.files if file.content is not None),
        }


def packed(entry_point: str) -> bytes:
    """Return the loaded code of this collection as a ZIP archive that Python runs (zipapp).

    ``entry_point`` is the full name of the loaded module whose ``main(argv)`` the program calls.
    """
    loaded = sorted(name for name in sys.modules if name.startswith(f"{ROOT}."))
    module = f"switchyard.{entry_point[len(ROOT) + 1 :]}"
    parts = {"__main__.py": f"import sys\nfrom {module} import main\nsys.exit(main(sys.argv))\n"}
    parts["switchyard/__init__.py"] = ""
    for name in loaded:
        spec = getattr(sys.modules[name], "__spec__", None)
        path = name[len(ROOT) + 1 :].replace(".", "/")
        package = hasattr(sys.modules[name], "__path__")
        source = spec.loader.get_source(name) if spec and spec.loader else None
        parts[f"switchyard/{path}{'/__init__' if package else ''}.py"] = source or ""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in sorted(parts):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), parts[name])
    return content.getvalue()


def desired_files(spec: ProgramSpec) -> list[ProgramFile]:
    """Return all files of the program and the repository, with their desired content."""
    parameters = {
        "root": str(spec.root),
        "project": spec.project,
        "environment": spec.environment,
        "check_subset_count": spec.check_subset_count,
        "backups": list(spec.backups),
        "volumes": list(spec.volumes),
    }
    needed = bool(spec.backups or spec.volumes or spec.repository)
    secrets = {offsite_restic.REPOSITORY: spec.repository, offsite_restic.PASSWORD: spec.password}
    credentials = dict(spec.credentials or {}) if spec.repository else {}
    folder = spec.repository_folder
    return [
        ProgramFile(spec.program, packed(spec.entry_point) if needed else None),
        ProgramFile(spec.program.parent / timer_main.PARAMETERS, _json(parameters) if needed else None),
        *(ProgramFile(folder / name, f"{value}\n".encode() if value else None) for name, value in secrets.items()),
        ProgramFile(folder / offsite_restic.CREDENTIALS, _json(credentials) if credentials else None),
    ]


def plan_program(spec: ProgramSpec) -> ProgramPlan:
    """Return what has to change. Raises SwitchyardError with all problems."""
    problems = spec.problems()
    if problems:
        raise SwitchyardError(
            report(problems, "Nothing was changed. Problems"), problems=[problem.as_dict() for problem in problems]
        )
    files = tuple(file for file in desired_files(spec) if not file.up_to_date)
    # Only after a change: a remote repository takes a while to answer.
    initialise = bool(spec.repository) and any(file.path.parent == spec.repository_folder for file in files)
    return ProgramPlan(files, initialise)


@dataclass(frozen=True)
class ProgramResult:
    """What the module ``backup_program`` returns; ``command`` is what the timer starts."""

    changed: bool
    diff: t.Mapping[str, str]
    command: str
    repository_created: bool = False


def install(spec: ProgramSpec, check_mode: bool = False) -> ProgramResult:
    """Write or remove the program's files and initialise the repository."""
    plan = plan_program(spec)
    result = ProgramResult(plan.changed, plan.diff, spec.command)
    if check_mode or not plan.changed:
        return result
    for file in plan.files:
        if file.content is None:
            atomic_file.write_or_remove(file.path, None)
            continue
        file.path.parent.mkdir(parents=True, exist_ok=True)
        for folder in (spec.root / "backups", spec.folder, file.path.parent):
            folder.chmod(0o700)
        atomic_file.write(file.path, file.content, file.mode)
    if plan.initialise:
        repository = offsite_restic.OffsiteRepository(spec.repository_folder, f"{spec.project}-{spec.environment}")
        try:
            result = replace(result, repository_created=repository.ensure_initialised())
        except SwitchyardError:
            # Without the URL, no backup is copied until the repository works, and the next run tries again.
            atomic_file.write_or_remove(spec.repository_folder / offsite_restic.REPOSITORY, None)
            raise
    return result


def _json(value: t.Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
