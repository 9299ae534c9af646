# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of backups off the server, made with restic into whatever back end it knows.

Repository, password and credentials lie in files that only root can read; restic gets the first two as files, the
credentials in its environment. None is an argument. A copy is a snapshot with the folder of one backup.
"""

from __future__ import annotations

import calendar
import contextlib
import json
import os
import shutil
import time
import typing as t
from pathlib import Path

from .. import atomic_file, command, paths
from ..errors import SwitchyardError
from . import checksums, retention
from . import manifest as backup_manifest
from .manifest import Manifest
from .store import NAME, BackupStore

REPOSITORY, PASSWORD, CREDENTIALS = "repository", "password", "environment"

# What restic says, before version 0.17, where nobody made the repository yet; since then it ends with NO_REPOSITORY.
MISSING = "Is there a repository at the following location?"
NO_REPOSITORY = 10


def folder_of(root: Path, project: str, environment: str) -> Path:
    """Return where an environment's way to its copies is described. No stack's name begins with a dot."""
    return paths.backups_folder(root, project, environment) / ".copies"


class OffsiteRepository:
    """The copies of the backups of one environment."""

    def __init__(self, folder: Path, owner: str) -> None:
        """Take the folder of ``folder_of``; ``owner`` is ``<project>-<environment>``. Nothing is asked yet."""
        self.folder = folder
        self.owner = owner

    @property
    def known(self) -> bool:
        """Whether it was said where the copies go."""
        return (self.folder / REPOSITORY).exists()

    def restic(self, *args: str, cwd: Path | None = None) -> str:
        """Run restic; return what it wrote. Raises CommandError with its last lines."""
        if not self.known:
            raise SwitchyardError(f"Nobody said where copies go: there is no {self.folder}. Run setup.yml.")
        credentials = atomic_file.read_json(self.folder / CREDENTIALS) or {}
        variables = {
            "RESTIC_REPOSITORY_FILE": str(self.folder / REPOSITORY),
            "RESTIC_PASSWORD_FILE": str(self.folder / PASSWORD),
            "RESTIC_CACHE_DIR": str(self.folder / "cache"),
        }
        if not shutil.which("restic"):
            raise SwitchyardError("There is no restic on this server. Run setup.yml, or install it.")
        env = {**credentials, **variables}
        return command.run(["restic", *args], name=f"restic {args[0]}", env=env, cwd=cwd).stdout

    def begin(self) -> bool:
        """Make the repository where there is none; return whether there was none."""
        try:
            self.restic("cat", "config")
            return False
        except command.CommandError as error:
            if error.code != NO_REPOSITORY and MISSING not in str(error):
                raise
        self.restic("init")
        return True

    def names(self, stack: str) -> dict[str, dict[str, str]]:
        """Return the copies of a stack's backups by name, the newest first, each with its ``id`` and ``state``."""
        listed = json.loads(self.restic("snapshots", "--json", "--host", self.owner, "--tag", f"stack={stack}"))
        found: dict[str, dict[str, str]] = {}
        # Of none at all, some versions say null.
        for one in sorted(listed or [], key=lambda one: one["time"], reverse=True):
            tags = dict(tag.split("=", 1) for tag in one.get("tags") or [] if "=" in tag)
            if NAME.match(tags.get("name", "")):
                found[tags["name"]] = {"id": one["id"], "state": tags.get("state", backup_manifest.STATES[0])}
        return found

    def put(
        self, shelf: BackupStore, manifest: Manifest, rule: retention.RetentionPolicy, named: t.Container[str] = ()
    ) -> list[str]:
        """Copy a finished backup, and forget copies by the rule that the server's backups have; return their names."""
        # Of a run that was killed. One that somebody still holds is left alone.
        self.restic("unlock")
        there = self.names(manifest.stack)
        if manifest.name not in there:
            tags = (f"stack={manifest.stack}", f"name={manifest.name}", f"state={manifest.state}")
            more = [word for tag in tags for word in ("--tag", tag)]
            self.restic("backup", "--quiet", "--host", self.owner, *more, "--", manifest.name, cwd=shelf.folder)
            there = self.names(manifest.stack)
        # A server that was made anew counts its backups from 1 again: the order of the copies is the one that counts.
        numbered = {f"{name}-{number}": name for number, name in enumerate(reversed(there))}
        kept = [retention.PlannedBackup(one, there[name]["state"], _timestamp(name)) for one, name in numbered.items()]
        held = [one for one, name in numbered.items() if name in named]
        gone = [numbered[one] for one in retention.backups_to_remove(kept, rule, time.time(), held)]
        if gone:
            self.restic("forget", "--quiet", "--prune", *(there[name]["id"] for name in gone))
        return gone

    def named(self, name: str, stack: str) -> str:
        """Return the name of a copy, also of the newest as ``latest``. Raises SwitchyardError where there is none."""
        return _select_snapshot(self.names(stack), name, stack)

    def fetch(self, shelf: BackupStore, name: str, stack: str) -> Manifest:
        """Bring a copy back to the server's backups; one that is there already stays.

        It has its name only when it is whole and is what was dumped. Raises SwitchyardError where there is none.
        """
        if name in shelf.names():
            return backup_manifest.read(shelf.folder / name)
        there = self.names(stack)
        name = _select_snapshot(there, name, stack)
        if name in shelf.names():
            return backup_manifest.read(shelf.folder / name)
        with contextlib.ExitStack() as stack_of:
            partial = stack_of.enter_context(shelf.begun(f"{name}.copy"))
            self.restic("restore", "--quiet", there[name]["id"], "--target", str(partial))
            whole = partial / name
            manifest = backup_manifest.read(whole)
            checksums.check_files(whole, manifest)
            os.rename(whole, shelf.folder / name)
            atomic_file.sync_folder(shelf.folder)
        return manifest

    def check(self, part: int, parts: int) -> None:
        """Check the repository, and read one of so many parts of all that is in it. Raises SwitchyardError."""
        self.restic("unlock")
        self.restic("check", "--quiet", f"--read-data-subset={part}/{parts}")


def _select_snapshot(there: t.Mapping[str, t.Any], name: str, stack: str) -> str:
    name = next(iter(there), name) if name == "latest" else name
    if name not in there:
        listed = ", ".join(list(there)[:5]) or "none"
        raise SwitchyardError(f"There is no copy of a backup {name} of {stack}. There are: {listed}.")
    return name


def part_of(now: float, parts: int) -> int:
    """Return which part is read today: another one each week, so that all were read after as many weeks."""
    return int(now // (7 * retention.DAY)) % parts + 1


def _timestamp(name: str) -> float:
    """Return when a backup was begun, as its name tells."""
    return calendar.timegm(time.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ"))
