# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a stack on a server: content by its digest, and the writable folders that outlive releases.

    <stack>/files/blobs/<f or x><sha256>     the content of one file; x is executable
    <stack>/files/<digest>/<name>            a mounted file, or a folder of hard links to blobs
    <stack>/data/<path>                      a writable folder

No path in ``files`` changes after it exists, so that a container keeps what it mounts while releases come and go.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import typing as t
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from .. import atomic_file, paths
from ..errors import SwitchyardError
from .mount_plan import MountPlan
from .source_tree import EXECUTABLE, FOLDER, LINK, SourceTree

BLOBS = "blobs"
SEEDS = ".seeds.json"


class FileStore:
    """The mounted files of one stack on this server."""

    def __init__(self, folder: Path) -> None:
        """Take the stack's folder; this creates nothing."""
        self.stack = folder
        self.folder = paths.content_folder(folder)
        self.data = paths.data_folder(folder)

    def missing(self, plan: MountPlan, tree: SourceTree) -> list[str]:
        """Return the blobs that a release needs and that are not on the server, sorted."""
        names = [name for name, digest in plan.content.items() if not self._content(name, digest).exists()]
        names += [name for name in plan.data if not (self.data / name).exists()]
        needed = {blob for name in names for blob in tree.blobs(name)}
        return sorted(blob for blob in needed if not self._blob(blob).exists())

    def receive(self, archive: Path) -> None:
        """Store the blobs of an archive. Raises SwitchyardError when the content of one does not match its name."""
        (self.folder / BLOBS).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with tarfile.open(archive) as content:
            for member in content:
                file = content.extractfile(member)
                data = file.read() if file else b""
                if hashlib.sha256(data).hexdigest() != member.name[1:]:
                    raise SwitchyardError(
                        "A file of the stack changed while the release ran.", hint="Run the command again."
                    )
                atomic_file.write(self._blob(member.name), data, _mode(member.name), durable=False)

    def create(self, plan: MountPlan, tree: SourceTree, owners: t.Mapping[str, int]) -> None:
        """Create what a release mounts: content that is missing, and writable folders that are new.

        ``owners`` are the numeric users of the services; the first service that writes a folder owns it. Raises
        SwitchyardError when a blob is missing.
        """
        missing = self.missing(plan, tree)
        if missing:
            raise SwitchyardError(
                f"{len(missing)} files of the stack are not on the server.", hint="Run the command again."
            )
        for name, digest in plan.content.items():
            path = self._content(name, digest)
            if not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._build(path, tree.below(name), os.link)
        for name, services in sorted(plan.data.items()):
            path = self.data / name
            if not path.exists():
                self.data.mkdir(mode=0o700, exist_ok=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._build(path, tree.below(name), shutil.copy)
                _chown(path, next((owners[service] for service in services if service in owners), None))
                seeds = {**self.seeds(), name: tree.digest(name)}
                atomic_file.write_json(self.data / SEEDS, seeds, 0o600)

    def seeds(self) -> dict[str, str]:
        """Return the digest of the source folder that each writable folder began with."""
        return atomic_file.read_json(self.data / SEEDS) or {}

    def prune(self, used: t.Callable[[str], bool]) -> None:
        """Remove content that nothing mounts; ``used`` returns whether a digest is in use."""
        for path in list(self.folder.iterdir()) if self.folder.exists() else []:
            if path.name != BLOBS and not used(path.name):
                shutil.rmtree(path)
        blobs = self.folder / BLOBS
        for path in list(blobs.iterdir()) if blobs.exists() else []:
            if path.stat().st_nlink == 1:
                path.unlink()

    def _content(self, name: str, digest: str) -> Path:
        return paths.content_file(self.stack, digest, PurePosixPath(name).name)

    def _blob(self, name: str) -> Path:
        return self.folder / BLOBS / PurePosixPath(name).name

    def _build(self, path: Path, entries: t.Mapping[str, str], copy: t.Callable[[Path, Path], t.Any]) -> None:
        """Create a file or folder under a temporary name, and rename it."""
        building = path.parent / f".{path.name}.tmp"
        if building.is_dir():
            shutil.rmtree(building)
        building.unlink(missing_ok=True)
        if set(entries) == {""}:
            copy(self._blob(entries[""]), building)
        else:
            building.mkdir()
            # The umask of the server does not apply: users of containers have other numbers than root.
            building.chmod(0o755)
            for name, entry in sorted(entries.items()):
                self._add(building, name, entry, copy)
        building.rename(path)

    def _add(self, folder: Path, name: str, entry: str, copy: t.Callable[[Path, Path], t.Any]) -> None:
        if ".." in PurePosixPath(name).parts:
            raise SwitchyardError(f"{name} leads out of the stack's folder.")
        target = folder / name
        for parent in reversed([item for item in target.parents if folder in item.parents]):
            if not parent.exists():
                parent.mkdir()
                parent.chmod(0o755)
        if entry[0] == LINK:
            target.symlink_to(entry[1:])
        elif entry[0] == FOLDER:
            target.mkdir(exist_ok=True)
            target.chmod(0o755)
        else:
            copy(self._blob(entry), target)


def _mode(blob: str) -> int:
    return 0o755 if blob[0] == EXECUTABLE else 0o644


def _chown(path: Path, owner: int | None) -> None:
    items: Iterable[Path] = [path, *path.rglob("*")] if owner else []
    for item in items:
        os.chown(item, t.cast(int, owner), t.cast(int, owner), follow_symlinks=False)
