# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of this collection's modules, stored on a server under its digest.

    /var/cache/switchyard/code/<digest>/plugins/{modules,module_utils}/

Ansible packs a module with everything that it imports at each call, and the server compiles it again each time. A
server that stores the code needs its arguments only, and Python reads its compiled files. The folder can be removed at
any time: the next run sends the code again. It belongs to root, so what runs as root comes from root.

This file travels with each call, therefore it imports nothing of the collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path("/var/cache/switchyard/code")

# Folders of the collection that a module needs.
FOLDERS = ("plugins/modules", "plugins/module_utils")

# A checkout of another version may be in use for the same server.
KEPT = 4
KEPT_SECONDS = 24 * 3600


def code_files(root: Path) -> list[Path]:
    """Return the Python files of the modules below the collection's folder, sorted."""
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))


def digest_of(root: Path) -> str:
    """Return the digest of the modules' code below the collection's folder: names and contents."""
    digest = hashlib.sha256()
    for path in code_files(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


def stored_code(digest: str, root: Path = ROOT) -> Path | None:
    """Return the folder of the stored code, or None when it is missing or when another user may write there."""
    folder = root / digest
    return folder if all(_is_ours(path) for path in (root.parent, root, folder)) else None


def mark_used(folder: Path) -> None:
    """Note that the code is in use, so that it is kept."""
    os.utime(folder)


def store_code(digest: str, archive: Path, root: Path = ROOT) -> Path:
    """Store the code from an archive and return its folder; older code that no run uses is removed.

    Raises OSError when the folder cannot be written, ValueError when the archive holds other code.
    """
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    for path in (root.parent, root):
        if not _is_ours(path):
            raise PermissionError(f"{path} belongs to another user, or others may write there")
    unpacked = Path(tempfile.mkdtemp(prefix=f".{digest}-", dir=root))
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                _unpack(tar, member, unpacked)
        found = digest_of(unpacked)
        if found != digest:
            raise ValueError(f"the code in {archive} has the digest {found}, expected {digest}")
        unpacked.chmod(0o755)
        folder = root / digest
        # Another run may have stored the same code at the same time, and imports from it.
        with contextlib.suppress(OSError):
            unpacked.rename(folder)
        if stored_code(digest, root) is None:
            raise PermissionError(f"{folder} belongs to another user, or others may write there")
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    _remove_old(root, folder)
    return folder


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    target = folder / member.name
    content = tar.extractfile(member) if member.isfile() else None
    if content is None or ".." in target.parts or Path(member.name).is_absolute():
        raise ValueError(f"the archive of the code holds {member.name}, which is not a file below it")
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.write_bytes(content.read())


def _is_ours(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _remove_old(root: Path, used: Path) -> None:
    newest_first = sorted((path for path in root.iterdir() if path != used), key=lambda path: -path.stat().st_mtime)
    before = time.time() - KEPT_SECONDS
    for number, path in enumerate(newest_first, start=1):
        if number >= KEPT and path.stat().st_mtime < before:
            shutil.rmtree(path, ignore_errors=True)
