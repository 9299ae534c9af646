# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders that images are built from: their digests, and one archive of them. For the controller only.

A digest covers what the build sees: names, content, symbolic links and the executable bit. Times and owners do not
count, so that two checkouts of the same files have the same digest.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
import typing as t
from collections.abc import Iterator
from pathlib import Path

from .dockerignore import IgnoreRules, read_rules

BLOCK = 2**20


def files_of(source: Path, path: str, dockerfiles: t.Collection[str] = ()) -> Iterator[str]:
    """Yield every file, link and empty folder of a context in a fixed order, relative to the source folder.

    ``path`` is a folder or one file below ``source``. ``dockerfiles`` are relative to the context.
    """
    top = source / path
    if not top.is_dir():
        yield path
        return
    rules = [read_rules(top, name) for name in dockerfiles or ("Dockerfile",)]
    prefix = "" if path == "." else f"{path}/"
    for name in _walk(top, "", rules):
        yield prefix + name


def _walk(top: Path, base: str, rules: t.Sequence[IgnoreRules]) -> Iterator[str]:
    entries = sorted(os.scandir(top / base), key=lambda entry: entry.name)
    for entry in entries:
        name = f"{base}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if not all(one.prunes(name) for one in rules):
                below = list(_walk(top, f"{name}/", rules))
                yield from below
                if not below and not all(one.ignores(name) for one in rules):
                    yield name
        # A build cannot read a socket or a device.
        elif (entry.is_symlink() or entry.is_file()) and not all(one.ignores(name) for one in rules):
            yield name


def digest_of(source: Path, path: str, dockerfiles: t.Collection[str] = ()) -> str:
    """Return the digest of a context. Raises OSError for a file that cannot be read."""
    digest = hashlib.sha256()
    for name in files_of(source, path, dockerfiles):
        file = source / name
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            kind, content = "link", hashlib.sha256(os.fsencode(os.readlink(file))).hexdigest()
        elif stat.S_ISDIR(status.st_mode):
            kind, content = "folder", ""
        else:
            kind, content = "program" if status.st_mode & 0o100 else "file", _digest_of_file(file)
        digest.update(f"{kind} {content} {len(os.fsencode(name))} ".encode() + os.fsencode(name) + b"\n")
    return digest.hexdigest()


def _digest_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def pack(source: Path, paths: t.Iterable[str], dockerfiles: t.Collection[str], archive: Path) -> int:
    """Write the contexts into a compressed archive, with paths relative to the source folder; return its size."""
    seen: set[str] = set()
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in paths:
            for name in files_of(source, path, dockerfiles):
                if name not in seen:
                    seen.add(name)
                    tar.add(source / name, arcname=name, recursive=False, filter=_plain)
    return archive.stat().st_size


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info
