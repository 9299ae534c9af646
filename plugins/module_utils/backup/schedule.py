# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backups need on a server when nobody looks: a program, its parameters, its timers, the way to the copies.

The program is this very code, packed as it was loaded. systemd starts it, or cron where there is no systemd.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
import typing as t
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, command, paths
from ..errors import Problem, SwitchyardError, report
from . import offsite_restic, timer_main

ROOT = __name__.rpartition(".backup.")[0]

_MOMENT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")

# The same bytes each time: a date in an archive would look like a change.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ScheduleSpec:
    """What is to stand: ``at`` and ``check_at`` are times of a day as ``03:30``, or None for no timer."""

    root: Path
    project: str
    environment: str
    jobs: t.Sequence[dict[str, t.Any]] = ()
    at: str | None = None
    check_at: str | None = None
    parts: int = 10
    repository: str | None = None
    password: str | None = None
    credentials: t.Mapping[str, str] | None = None
    python: str = sys.executable

    @property
    def name(self) -> str:
        """The name of the timer."""
        return f"switchyard-backup-{self.project}-{self.environment}"

    @property
    def folder(self) -> Path:
        """Where the environment's backups are."""
        return paths.backups_folder(self.root, self.project, self.environment)

    def problems(self) -> list[Problem]:
        """Return what is wrong with it."""
        found = []
        for where, value in (("at", self.at), ("check_at", self.check_at)):
            if value and not _MOMENT.match(value):
                found.append(Problem(where, f"{value} is no time of a day", "Write one as 03:30", "schedule.time"))
        if self.check_at and not self.repository:
            found.append(
                Problem(
                    "check_at",
                    "there are no copies to check",
                    "Give a repository, or leave it out",
                    "schedule.no_repository",
                )
            )
        if bool(self.repository) != bool(self.password):
            found.append(
                Problem(
                    "repository, password", "one is given without the other", "Give both or none", "schedule.repository"
                )
            )
        if self.parts < 1:
            found.append(
                Problem("check_parts", f"{self.parts} is less than 1", "Write 1 or more", "schedule.too_small")
            )
        if (self.at or self.check_at) and not re.fullmatch(r"[\w./+-]+", str(self.root)):
            found.append(
                Problem("root", f"a timer cannot name {self.root}", "Use letters, digits, and ./_+-", "schedule.root")
            )
        for name in self.credentials or ():
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                found.append(
                    Problem(
                        "credentials",
                        f"{name!r} is no name of a variable",
                        "Write one as AWS_REGION",
                        "schedule.credentials",
                    )
                )
        return found


@dataclass(frozen=True)
class ScheduleFile:
    """A file as it is to be; no content for one that is to be gone. ``shown`` is whether a diff may show it."""

    path: Path
    content: bytes | None
    mode: int = 0o600
    shown: bool = False

    @property
    def stands(self) -> bool:
        """Whether it is so already."""
        if not self.path.exists():
            return self.content is None
        same = self.content is not None and self.path.read_bytes() == self.content
        return same and self.path.stat().st_mode & 0o777 == self.mode


@dataclass(frozen=True)
class SchedulePlan:
    """The files that differ, the timers that have to be started anew and stopped, and whether systemd is there."""

    files: tuple[ScheduleFile, ...]
    start: tuple[str, ...]
    stop: tuple[str, ...]
    systemd: bool
    begin: bool

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.files or self.start or self.stop or self.begin)

    @property
    def diff(self) -> dict[str, str]:
        """The plan as a diff; of what may hold secrets only the name."""

        def text(content: bytes | None, one: ScheduleFile) -> str:
            if content is None:
                return ""
            return f"{one.path}:\n{content.decode()}" if one.shown else f"{one.path}\n"

        now = [one.path.read_bytes() if one.path.exists() else None for one in self.files]
        return {
            "before": "".join(text(content, one) for content, one in zip(now, self.files)),
            "after": "".join(
                text(one.content, one) + ("" if one.shown or content is None else "  with another content\n")
                for content, one in zip(now, self.files)
            ),
        }


def packed() -> bytes:
    """Return the code of this collection that is loaded here, as one file that Python runs."""
    loaded = sorted(name for name in sys.modules if name.startswith(f"{ROOT}."))
    parts = {"__main__.py": "import sys\nfrom switchyard.backup.timer_main import main\nsys.exit(main(sys.argv))\n"}
    parts["switchyard/__init__.py"] = ""
    for name in loaded:
        module = sys.modules[name]
        spec = getattr(module, "__spec__", None)
        path = name[len(ROOT) + 1 :].replace(".", "/")
        package = hasattr(module, "__path__")
        source = spec.loader.get_source(name) if spec and spec.loader else None
        parts[f"switchyard/{path}{'/__init__' if package else ''}.py"] = source or ""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in sorted(parts):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), parts[name])
    return made.getvalue()


def units(wish: ScheduleSpec, name: str, what: str, words: str, days: str, moment: str) -> dict[str, str]:
    """Return the service and the timer, by the names of their files."""
    service = f"""\
# Written by switchyard.stacks
[Unit]
Description={what} of {wish.project}-{wish.environment}
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=oneshot
ExecStart={words}
UMask=0077
Nice=10
"""
    timer = f"""\
# Written by switchyard.stacks
[Unit]
Description={what} of {wish.project}-{wish.environment}

[Timer]
OnCalendar={days}*-*-* {moment}:00
# One that was missed, because the server was off, is made up for.
Persistent=true

[Install]
WantedBy=timers.target
"""
    return {f"{name}.service": service, f"{name}.timer": timer}


def wanted_files(wish: ScheduleSpec, systemd: bool, etc: Path) -> list[ScheduleFile]:
    """Return all files that may be there, as they are to be."""
    own, way = wish.folder / ".program", offsite_restic.folder_of(wish.root, wish.project, wish.environment)
    started = own / "backup.pyz"
    given = {
        "root": str(wish.root),
        "project": wish.project,
        "environment": wish.environment,
        "parts": wish.parts,
        "jobs": list(wish.jobs),
    }
    needed = bool(wish.jobs or wish.repository)
    found = [
        ScheduleFile(started, packed() if needed else None),
        ScheduleFile(own / timer_main.PARAMETERS, _json(given) if needed else None),
    ]
    named = {offsite_restic.REPOSITORY: wish.repository, offsite_restic.PASSWORD: wish.password}
    found += [ScheduleFile(way / name, f"{value}\n".encode() if value else None) for name, value in named.items()]
    credentials = dict(wish.credentials or {}) if wish.repository else {}
    found.append(ScheduleFile(way / offsite_restic.CREDENTIALS, _json(credentials) if credentials else None))
    run = f"{shlex.quote(wish.python)} {started}"
    cron = []
    for tail, moment, what, words, days, day in (
        ("", wish.at, "Backups", run, "", "*"),
        ("-check", wish.check_at, "Check of the copies", f"{run} check", "Sun ", "0"),
    ):
        for name, content in units(wish, wish.name + tail, what, words, days, moment or "").items():
            there = systemd and moment
            path = etc / "systemd/system" / name
            found.append(ScheduleFile(path, content.encode() if there else None, 0o644, True))
        if moment and not systemd:
            hour, minute = moment.split(":")
            cron.append(f"{int(minute)} {int(hour)} * * {day} root {words}\n")
    text = "".join(["# Written by switchyard.stacks\n", *cron]) if cron else None
    found.append(ScheduleFile(etc / "cron.d" / wish.name, text.encode() if text else None, 0o644, True))
    return found


def plan(wish: ScheduleSpec, systemd: bool, etc: Path, active: t.Callable[[str], bool]) -> SchedulePlan:
    """Return what is to be done. Raises SwitchyardError with all problems."""
    problems = wish.problems()
    if problems:
        raise SwitchyardError(
            report(problems, "Nothing was done. To be put right"), problems=[one.as_dict() for one in problems]
        )
    differ = tuple(one for one in wanted_files(wish, systemd, etc) if not one.stands)
    start, stop = [], []
    for tail, moment in (("", wish.at), ("-check", wish.check_at)):
        timer = f"{wish.name}{tail}.timer"
        stands = systemd and active(timer)
        if systemd and moment and (not stands or any(one.path.name == timer for one in differ)):
            start.append(timer)
        if stands and not moment:
            stop.append(timer)
    way = offsite_restic.folder_of(wish.root, wish.project, wish.environment)
    # Asked only where it was changed: a repository somewhere else takes its time to answer.
    begin = bool(wish.repository) and any(one.path.parent == way for one in differ)
    return SchedulePlan(differ, tuple(start), tuple(stop), systemd, begin)


def install(wish: ScheduleSpec, check: bool = False, etc: Path = Path("/etc")) -> dict[str, t.Any]:
    """Make it so; return the module's result."""
    made = plan(wish, _systemd(), etc, _active)
    # Seen before anything is written.
    result: dict[str, t.Any] = {"changed": made.changed, "diff": made.diff, "begun": False}
    if check or not made.changed:
        return result
    for timer in made.stop:
        _systemctl("disable", "--now", timer)
    for one in made.files:
        if one.content is None:
            atomic_file.write_or_remove(one.path, None)
            continue
        one.path.parent.mkdir(parents=True, exist_ok=True)
        if one.path.is_relative_to(wish.folder):
            for folder in (wish.root / "backups", wish.folder, one.path.parent):
                folder.chmod(0o700)
        atomic_file.write(one.path, one.content, one.mode)
    if made.systemd and any(one.path.suffix in (".service", ".timer") for one in made.files):
        _systemctl("daemon-reload")
    for timer in made.start:
        _systemctl("enable", timer)
        _systemctl("restart", timer)
    if made.begin:
        way = offsite_restic.folder_of(wish.root, wish.project, wish.environment)
        try:
            result["begun"] = offsite_restic.OffsiteRepository(way, f"{wish.project}-{wish.environment}").begin()
        except SwitchyardError:
            # What does not work is asked again the next time, and copies nothing until then.
            atomic_file.write_or_remove(way / offsite_restic.REPOSITORY, None)
            raise
    return result


def _json(value: t.Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _systemd() -> bool:
    """Return whether systemd runs the server (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def _active(timer: str) -> bool:
    return command.run(["systemctl", "is-active", "--quiet", timer], check=False).code == 0


def _systemctl(*args: str) -> None:
    command.run(["systemctl", *args], name=f"systemctl {' '.join(args)}")
