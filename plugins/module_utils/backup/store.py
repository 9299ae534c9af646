# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup store of a stack: a folder per backup, which gets its name when the backup is complete."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, paths
from ..errors import SwitchyardError
from . import checksums
from . import manifest as backup_manifest
from .manifest import BackupSummary, Manifest, ManifestError
from .retention import sequence_number

# Ends the folder name of a backup that is being written; such a folder is never read.
PARTIAL = ".partial"

# Start in UTC, and number
NAME = re.compile(r"\d{8}T\d{6}Z-\d{4,}\Z")


class StoreBusy(SwitchyardError):
    """Another run holds the lock of the backup store."""


@dataclass(frozen=True)
class StoredBackup:
    """A backup's folder: its manifest, or the problems that make it unusable."""

    name: str
    manifest: Manifest | None
    problems: tuple[str, ...] = ()

    def summary(self) -> BackupSummary | BrokenBackup:
        """Return the backup as lists show it."""
        return self.manifest.summary() if self.manifest else BrokenBackup(self.name, self.problems)


@dataclass(frozen=True)
class BrokenBackup:
    """A backup without a usable manifest, as lists show it."""

    name: str
    problems: tuple[str, ...]
    state: str = "broken"


class BackupStore:
    """The backups of one database of a stack in one environment."""

    def __init__(
        self, root: Path, project: str, environment: str, stack: str, source: tuple[str, str] | None = None
    ) -> None:
        """Take the names; nothing is created yet. ``source`` is as in ``paths.backup_store_folder``."""
        self.folder = paths.backup_store_folder(root, project, environment, stack, source)
        self._root = paths.backups_folder(root, project, environment)
        self.names_of_stack = (root, project, environment, stack)

    def create_folder(self) -> None:
        """Create the folder, for root only."""
        self.folder.mkdir(parents=True, exist_ok=True)
        above = [folder for folder in self.folder.parents if folder == self._root or self._root in folder.parents]
        for folder in (self.folder, *above, self._root.parent):
            folder.chmod(0o700)

    def diff(self, removed: t.Container[str], added: str) -> dict[str, str]:
        """Return the diff of the names of the backups, the oldest first; ``added`` are the lines of the new one."""
        oldest_first = [f"{name}\n" for name in reversed(self.names())]
        kept = [line for line in oldest_first if line.rstrip() not in removed]
        return {"before": "".join(oldest_first), "after": "".join(kept) + added}

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Hold the store's lock. Raises StoreBusy at once when another run holds it."""
        self.create_folder()
        # An error of the work inside this context must not be taken for a busy store.
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(atomic_file.locked(self.folder / "lock", wait=False))
            except BlockingIOError:
                raise StoreBusy(
                    f"Another backup or restore is running in {self.folder}. Wait for its end, and start again."
                ) from None
            yield

    def of_accessories(self) -> list[tuple[str, str, BackupStore]]:
        """Return the stores of the accessories of this stack, each with its service and its database."""
        folder = self.folder / paths.ACCESSORY_BACKUPS
        found = []
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            source = paths.parse_source_name(path.name)
            found.append((*source, BackupStore(*self.names_of_stack, source)))
        return found

    def all(self) -> list[StoredBackup]:
        """Return all backups, the newest first, including those that cannot be used."""
        backups = []
        for name in self.names():
            try:
                backups.append(StoredBackup(name, self.read(name)))
            except ManifestError as error:
                backups.append(StoredBackup(name, None, tuple(str(problem) for problem in error.problems)))
        return backups

    def names(self) -> list[str]:
        """Return the names of the complete backups' folders, the newest first."""
        if not self.folder.is_dir():
            return []
        names = [path.name for path in self.folder.iterdir() if NAME.match(path.name)]
        return sorted(names, key=sequence_number, reverse=True)

    def usable(self) -> list[Manifest]:
        """Return the manifests of the usable backups, the newest first."""
        return [backup.manifest for backup in self.all() if backup.manifest]

    def get(self, name: str) -> Manifest:
        """Return a backup by its name, or the newest usable one as ``latest``.

        Raises SwitchyardError when it does not exist, ManifestError when it cannot be used.
        """
        if name == "latest":
            usable = self.usable()
            if usable:
                return usable[0]
        if name not in self.names():
            existing = ", ".join(self.names()[:5]) or "none"
            raise SwitchyardError(f"There is no backup {name} in {self.folder}. Existing backups: {existing}.")
        return self.read(name)

    def read(self, name: str) -> Manifest:
        """Return the manifest of a backup in this store. Raises ManifestError."""
        return t.cast(Manifest, self.manifest_in(self.folder / name))

    def check(self, folder: Path, manifest: t.Any) -> None:
        """Compare the files of a backup with its manifest. Raises SwitchyardError with the differences."""
        checksums.check_files(folder, manifest)

    def manifest_in(self, folder: Path) -> t.Any:
        """Return the manifest in a folder that has no place in the store yet. Raises ManifestError."""
        return backup_manifest.read(folder)

    def next_name(self, now: float) -> str:
        """Return the name of the next backup: its start for the reader, its number for the order."""
        number = max(map(sequence_number, self.names()), default=0) + 1
        return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{number:04d}"

    def partials(self) -> list[str]:
        """Return the incomplete folders that interrupted runs left."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.name.endswith(PARTIAL))

    def remove_partials(self) -> list[str]:
        """Remove the incomplete folders of interrupted runs; return their names."""
        partials = self.partials()
        for name in partials:
            shutil.rmtree(self.folder / name)
        return partials

    @contextlib.contextmanager
    def writing(self, name: str) -> t.Iterator[Path]:
        """Yield the folder of a backup that is being written; it is removed afterwards unless it was published."""
        partial = self.folder / f"{name}{PARTIAL}"
        partial.mkdir(mode=0o700)
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def publish(self, name: str, manifest: Manifest) -> None:
        """Complete a written backup: write the manifest, then rename the folder."""
        partial = self.folder / f"{name}{PARTIAL}"
        backup_manifest.write(partial, manifest)
        os.rename(partial, self.folder / name)
        atomic_file.sync_folder(self.folder)

    def remove(self, names: t.Iterable[str]) -> None:
        """Remove backups; each loses its name first, so that an interrupted removal leaves no broken backup."""
        for name in names:
            partial = self.folder / f"{name}{PARTIAL}"
            os.rename(self.folder / name, partial)
            shutil.rmtree(partial)
        atomic_file.sync_folder(self.folder)
