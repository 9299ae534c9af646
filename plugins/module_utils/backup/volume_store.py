# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups of a volume on the server: folders as those of a database, with another manifest."""

from __future__ import annotations

import os
import typing as t
import urllib.parse
from pathlib import Path

from .. import atomic_file, paths
from . import volume_manifest
from .store import PARTIAL, BackupStore
from .volume_manifest import VolumeManifest

# Containers that a run has stopped, in the folder of the volume's backups: a killed run leaves them to the next one.
STOPPED = "stopped.json"


class VolumeStore(BackupStore):
    """The backups of one volume of a stack in one environment."""

    def __init__(self, root: Path, project: str, environment: str, stack: str, volume: str) -> None:
        """Take the names; nothing is created yet."""
        super().__init__(root, project, environment, stack)
        self.folder = paths.volume_store_folder(root, project, environment, stack, volume)

    def manifest_in(self, folder: Path) -> t.Any:
        """Return the manifest in a folder. Raises ManifestError."""
        return volume_manifest.read(folder)

    def volumes(self) -> list[VolumeManifest]:
        """Return the manifests of the usable backups, the newest first."""
        return t.cast("list[VolumeManifest]", self.usable())

    def get_volume(self, name: str) -> VolumeManifest:
        """Return a backup by its name, as ``get`` does."""
        return t.cast(t.Any, self.get(name))

    def publish_volume(self, name: str, manifest: VolumeManifest) -> None:
        """Complete a written backup: write the manifest, then rename the folder."""
        partial = self.folder / f"{name}{PARTIAL}"
        volume_manifest.write(partial, manifest)
        os.rename(partial, self.folder / name)
        atomic_file.sync_folder(self.folder)

    def stopped(self) -> list[str]:
        """Return the names of the containers that a run has stopped and not started again."""
        return list(atomic_file.read_json(self.folder / STOPPED) or [])

    def set_stopped(self, containers: t.Sequence[str]) -> None:
        """Write the names of the containers that are about to be stopped; none removes the file."""
        path = self.folder / STOPPED
        if containers:
            atomic_file.write_json(path, list(containers), 0o600)
        else:
            atomic_file.write_or_remove(path, None)


def volume_stores(stack: BackupStore) -> list[tuple[str, VolumeStore]]:
    """Return the stores of the volumes of a stack, each with the volume's name in the Compose files."""
    folder = stack.folder / paths.VOLUME_BACKUPS
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    names = [urllib.parse.unquote(path.name) for path in found]
    return [(name, VolumeStore(*stack.names_of_stack, name)) for name in names]
