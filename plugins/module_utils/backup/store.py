# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the backups of a stack lie: a folder each, which has its name only when it is whole."""

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
from . import manifest as backup_manifest
from .manifest import Manifest, ManifestError
from .retention import sequence_number

# Of a backup that is being written. Nothing with this ending is ever read.
PARTIAL = ".partial"

NAME = re.compile(r"\d{8}T\d{6}Z-\d{4,}\Z")


class StoreBusy(SwitchyardError):
    """Another run works with the backups."""


@dataclass(frozen=True)
class StoredBackup:
    """One folder: its manifest, or why it has none that can be used."""

    name: str
    manifest: Manifest | None
    problems: tuple[str, ...] = ()

    def summary(self) -> dict[str, t.Any]:
        """Return what a list of backups shows."""
        if self.manifest:
            return self.manifest.summary()
        return {"name": self.name, "state": "broken", "problems": list(self.problems)}


class BackupStore:
    """The backups of one stack in one environment."""

    def __init__(self, root: Path, project: str, environment: str, stack: str) -> None:
        """Say which; nothing is made yet."""
        self.folder = paths.backup_store_folder(root, project, environment, stack)

    def make(self) -> None:
        """Make the folder, for root alone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.folder, self.folder.parent, self.folder.parent.parent):
            folder.chmod(0o700)

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Hold the backups for one run. Raises Busy at once where another run holds them."""
        self.make()
        # A second error in the work must not look like this one.
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(atomic_file.locked(self.folder / "lock", wait=False))
            except BlockingIOError:
                raise StoreBusy(
                    f"Another backup or restore works in {self.folder}. Wait until it is done, and start again."
                ) from None
            yield

    def entries(self) -> list[StoredBackup]:
        """Return all backups, the newest first, also those that cannot be used."""
        found = []
        for name in self.names():
            try:
                found.append(StoredBackup(name, backup_manifest.read(self.folder / name)))
            except ManifestError as error:
                found.append(StoredBackup(name, None, tuple(str(problem) for problem in error.problems)))
        return found

    def names(self) -> list[str]:
        """Return the names of the backups' folders, the newest first."""
        if not self.folder.is_dir():
            return []
        whole = [path.name for path in self.folder.iterdir() if NAME.match(path.name)]
        return sorted(whole, key=sequence_number, reverse=True)

    def whole(self) -> list[Manifest]:
        """Return the manifests of the backups that can be used, the newest first."""
        return [entry.manifest for entry in self.entries() if entry.manifest]

    def need(self, name: str) -> Manifest:
        """Return a backup by its name, or the newest as ``latest``.

        Raises SwitchyardError where there is none, ManifestError where it cannot be used.
        """
        if name == "latest":
            found = self.whole()
            if found:
                return found[0]
        if name not in self.names():
            there = ", ".join(self.names()[:5]) or "none"
            raise SwitchyardError(f"There is no backup {name} in {self.folder}. There are: {there}.")
        return backup_manifest.read(self.folder / name)

    def next_name(self, now: float) -> str:
        """Return the name of the next backup: its time for a person, its number for the order."""
        number = max(map(sequence_number, self.names()), default=0) + 1
        return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{number:04d}"

    def partials(self) -> list[str]:
        """Return what killed runs left half written."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if path.name.endswith(PARTIAL))

    def sweep(self) -> list[str]:
        """Remove what killed runs left half written; return the names."""
        left = self.partials()
        for name in left:
            shutil.rmtree(self.folder / name)
        return left

    @contextlib.contextmanager
    def begun(self, name: str) -> t.Iterator[Path]:
        """Give the folder of a backup that is being written; it is gone afterwards unless ``finish`` took it."""
        partial = self.folder / f"{name}{PARTIAL}"
        partial.mkdir(mode=0o700)
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def finish(self, name: str, manifest: Manifest) -> None:
        """Make a written backup one that counts: the manifest last, then the name."""
        partial = self.folder / f"{name}{PARTIAL}"
        backup_manifest.write(partial, manifest)
        os.rename(partial, self.folder / name)
        atomic_file.sync_folder(self.folder)

    def remove(self, names: t.Iterable[str]) -> None:
        """Remove backups. A half removed one has no manifest any more, and no name of a backup."""
        for name in names:
            partial = self.folder / f"{name}{PARTIAL}"
            os.rename(self.folder / name, partial)
            shutil.rmtree(partial)
        atomic_file.sync_folder(self.folder)
