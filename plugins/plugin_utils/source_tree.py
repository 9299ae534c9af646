# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a stack that its containers mount, read on the controller. For the controller only."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
import tarfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import (
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
)

# Folders of version control, which no container needs.
SKIPPED = (".git", ".hg", ".svn")
GLOB = "*?["
CHUNK = 2**20


@dataclass
class FoundTree:
    """The entries of a source tree, and the paths that cannot be sent: unreadable ones, and links that lead outside.

    ``unreadable`` has the path and the reason. ``unmatched`` are patterns without a file.
    """

    entries: dict[str, str] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)


def read_tree(folder: Path, mounted: t.Iterable[str], patterns: t.Sequence[str]) -> FoundTree:
    """Return the files of a source folder: paths that the Compose files mount, and paths and globs of ``files``.

    A pattern that begins with ``!`` leaves its paths out. A path of ``mounted`` that does not exist is left out: a
    container can create it.
    """
    reader = _Reader(folder.resolve(), [pattern[1:].rstrip("/") for pattern in patterns if pattern.startswith("!")])
    for name in mounted:
        if os.path.lexists(reader.folder / name):
            reader.add(os.path.normpath(name) if name else "")
    for pattern in patterns:
        if not pattern.startswith("!"):
            names = sorted(reader.matches(pattern))
            reader.found.unmatched += [] if names else [pattern]
            for name in names:
                reader.add(name)
    return reader.found


class _Reader:
    def __init__(self, folder: Path, excluded: t.Sequence[str]) -> None:
        self.folder = folder
        self.excluded = excluded
        self.found = FoundTree()

    def matches(self, pattern: str) -> list[str]:
        """Return the paths of a pattern below the folder."""
        name = os.path.normpath(pattern)
        if os.path.isabs(name) or name.split("/")[0] == "..":
            self.found.outside.append(pattern)
            return [pattern]
        if any(character in name for character in GLOB):
            return [str(path.relative_to(self.folder)) for path in self.folder.glob(name)]
        return [name] if os.path.lexists(self.folder / name) else []

    def add(self, name: str) -> None:
        """Note a path that is mounted by itself: a link there is followed."""
        if name in ("", "."):
            self.walk("")
            return
        if self.is_excluded(name) or name in self.found.outside:
            return
        if not self.is_inside(name):
            self.found.outside.append(name)
            return
        for parent in reversed([str(parent) for parent in Path(name).parents if str(parent) != "."]):
            self.found.entries.setdefault(parent, FOLDER)
        self.note(name, os.path.isdir(self.folder / name))

    def note(self, name: str, is_folder: bool) -> None:
        if is_folder:
            self.found.entries[name] = FOLDER
            self.walk(name)
            return
        try:
            self.found.entries[name] = _entry_of(self.folder / name)
        except OSError as error:
            self.found.unreadable.append((name, error.strerror or "it cannot be read"))

    def walk(self, name: str) -> None:
        """Note everything below a folder."""
        try:
            items = sorted(os.scandir(self.folder / name), key=lambda item: item.name)
        except OSError as error:
            self.found.unreadable.append((name, error.strerror or "it cannot be read"))
            return
        for item in items:
            path = f"{name}/{item.name}" if name else item.name
            if item.name in SKIPPED or self.is_excluded(path):
                continue
            if item.is_symlink():
                if self.is_inside(path):
                    self.found.entries[path] = LINK + os.readlink(item.path)
                elif path not in self.found.outside:
                    self.found.outside.append(path)
            elif item.is_dir() or stat.S_ISREG(item.stat(follow_symlinks=False).st_mode):
                self.note(path, item.is_dir())

    def is_inside(self, name: str) -> bool:
        return (self.folder / name).resolve().is_relative_to(self.folder)

    def is_excluded(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.excluded)


def _entry_of(path: Path) -> str:
    """Return the entry of a file. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(CHUNK), b""):
            digest.update(block)
        mode = os.fstat(file.fileno()).st_mode
    return (EXECUTABLE if mode & 0o111 else FILE) + digest.hexdigest()


def pack(folder: Path, entries: t.Mapping[str, str], blobs: t.Collection[str], archive: Path) -> None:
    """Write an archive with the files of these blob names, each once. Raises OSError."""
    paths = {entry: name for name, entry in entries.items()}
    with tarfile.open(archive, "w:gz", compresslevel=6) as content:
        for blob in blobs:
            if blob in paths:
                with (folder / paths[blob]).open("rb") as file:
                    member = tarfile.TarInfo(blob)
                    member.size = os.fstat(file.fileno()).st_size
                    content.addfile(member, file)
