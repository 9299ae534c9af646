# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Off-site copies of backups, made with restic into any back end that it supports.

The repository's URL, password and credentials are stored in files that only root can read. restic gets the first two
as files and the credentials in its environment; none is an argument. A copy is a snapshot of one backup's folder.
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
from . import manifest as backup_manifest
from . import retention
from .manifest import Manifest
from .store import NAME, BackupStore

REPOSITORY, PASSWORD, CREDENTIALS = "repository", "password", "environment"

# A missing repository: exit code 10 since restic 0.17 (manual, "Exit codes"), this message before.
NO_REPOSITORY = 10
NO_REPOSITORY_MESSAGE = "Is there a repository at the following location?"


def repository_folder(root: Path, project: str, environment: str) -> Path:
    """Return the folder with the repository's URL and secrets. A stack's name cannot begin with a dot."""
    return paths.backups_folder(root, project, environment) / ".offsite"


class UploadedBackup(t.Protocol):
    """What an upload needs to know of a backup: of a database or of a volume."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def unit(self) -> str:
        """By what its copies are found."""

    @property
    def state(self) -> str:
        """How far it was verified."""


class OffsiteRepository:
    """The restic repository with the off-site copies of one environment's backups."""

    def __init__(self, folder: Path, owner: str) -> None:
        """Take ``repository_folder`` and restic's host name, ``<project>-<environment>``; restic is not run yet."""
        self.folder = folder
        self.owner = owner

    @property
    def configured(self) -> bool:
        """Whether the repository's URL is known."""
        return (self.folder / REPOSITORY).exists()

    def restic(self, *args: str, cwd: Path | None = None) -> str:
        """Run restic and return its standard output. Raises CommandError with the last lines of standard error."""
        if not self.configured:
            raise SwitchyardError(f"No off-site repository is configured: {self.folder} does not exist. Run setup.yml.")
        if not shutil.which("restic"):
            raise SwitchyardError("restic is not installed on this server. Run setup.yml, or install it.")
        env = {
            **(atomic_file.read_json(self.folder / CREDENTIALS) or {}),
            "RESTIC_REPOSITORY_FILE": str(self.folder / REPOSITORY),
            "RESTIC_PASSWORD_FILE": str(self.folder / PASSWORD),
            "RESTIC_CACHE_DIR": str(self.folder / "cache"),
        }
        return command.run(["restic", *args], name=f"restic {args[0]}", env=env, cwd=cwd).stdout

    def ensure_initialised(self) -> bool:
        """Create the repository if it does not exist; return whether it was created."""
        try:
            self.restic("cat", "config")
            return False
        except command.CommandError as error:
            if error.code != NO_REPOSITORY and NO_REPOSITORY_MESSAGE not in str(error):
                raise
        self.restic("init")
        return True

    def snapshots(self, stack: str) -> dict[str, dict[str, str]]:
        """Return the off-site copies by backup name, the newest first, each with its ``id`` and ``state``.

        ``stack`` is the name of a stack, with the source of an accessory behind it as in ``Manifest.unit``.
        """
        listing = json.loads(self.restic("snapshots", "--json", "--host", self.owner, "--tag", f"stack={stack}"))
        snapshots: dict[str, dict[str, str]] = {}
        # Without any snapshot, some versions print null.
        for snapshot in sorted(listing or [], key=lambda snapshot: snapshot["time"], reverse=True):
            tags = dict(tag.split("=", 1) for tag in snapshot.get("tags") or [] if "=" in tag)
            if NAME.match(tags.get("name", "")):
                state = tags.get("state", backup_manifest.STATES[0])
                snapshots[tags["name"]] = {"id": snapshot["id"], "state": state}
        return snapshots

    def upload(
        self,
        store: BackupStore,
        manifest: UploadedBackup,
        policy: retention.RetentionPolicy,
        keep_names: t.Container[str] = (),
    ) -> list[str]:
        """Copy a backup off-site and remove copies by the retention policy; return the names of the removed ones."""
        # Removes the locks of killed runs; restic keeps a lock that is still refreshed.
        self.restic("unlock")
        snapshots = self.snapshots(manifest.unit)
        if manifest.name not in snapshots:
            tags = (f"stack={manifest.unit}", f"name={manifest.name}", f"state={manifest.state}")
            tag_args = [arg for tag in tags for arg in ("--tag", tag)]
            self.restic("backup", "--quiet", "--host", self.owner, *tag_args, "--", manifest.name, cwd=store.folder)
            snapshots = self.snapshots(manifest.unit)
        # A reinstalled server numbers its backups from 1 again, so the order of the snapshots decides here.
        names = {f"{name}-{number}": name for number, name in enumerate(reversed(snapshots))}
        backups = [
            retention.PlannedBackup(numbered, snapshots[name]["state"], _timestamp(name))
            for numbered, name in names.items()
        ]
        kept = [numbered for numbered, name in names.items() if name in keep_names]
        removed = [names[numbered] for numbered in retention.backups_to_remove(backups, policy, time.time(), kept)]
        if removed:
            self.restic("forget", "--quiet", "--prune", *(snapshots[name]["id"] for name in removed))
        return removed

    def resolve(self, name: str, stack: str) -> str:
        """Return a copy's name; ``latest`` is the newest. Raises SwitchyardError when there is no such copy."""
        return _select_snapshot(self.snapshots(stack), name, stack)

    def fetch(self, store: BackupStore, name: str, stack: str) -> Manifest:
        """Restore an off-site copy into the store, unless the backup is there already; return its manifest.

        It gets its name when it is complete and its checksums match. Raises SwitchyardError when there is no such copy.
        """
        if name in store.names():
            return store.read(name)
        snapshots = self.snapshots(stack)
        name = _select_snapshot(snapshots, name, stack)
        if name in store.names():
            return store.read(name)
        with contextlib.ExitStack() as context:
            partial = context.enter_context(store.writing(f"{name}.copy"))
            self.restic("restore", "--quiet", snapshots[name]["id"], "--target", str(partial))
            fetched = partial / name
            manifest: Manifest = store.manifest_in(fetched)
            store.check(fetched, manifest)
            os.rename(fetched, store.folder / name)
            atomic_file.sync_folder(store.folder)
        return manifest

    def check(self, subset: int, count: int) -> None:
        """Check the repository's structure and read one of ``count`` subsets of its data. Raises CommandError."""
        self.restic("unlock")
        self.restic("check", "--quiet", f"--read-data-subset={subset}/{count}")


def _select_snapshot(snapshots: t.Mapping[str, t.Any], name: str, stack: str) -> str:
    name = next(iter(snapshots), name) if name == "latest" else name
    if name not in snapshots:
        existing = ", ".join(list(snapshots)[:5]) or "none"
        raise SwitchyardError(f"There is no off-site copy of a backup {name} of {stack}. Existing copies: {existing}.")
    return name


def subset_number(now: float, count: int) -> int:
    """Return the subset to read this week, from 1 to ``count``: after as many weeks, all were read."""
    return int(now // (7 * retention.DAY)) % count + 1


def _timestamp(name: str) -> float:
    """Return the start of a backup from its name, in seconds since the epoch."""
    return calendar.timegm(time.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ"))
