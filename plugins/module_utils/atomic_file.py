# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic files: written next to their target, synced, renamed over it; and JSON and locks."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t
from pathlib import Path


def write(path: Path, content: str | bytes, mode: int = 0o644, owner: int | None = None, durable: bool = True) -> None:
    """Write a file atomically and durably: a reader sees the old or the new content, also after a power failure.

    The temporary name starts with a dot and ends in ``.tmp``: no proxy loads such a file. ``owner`` is a numeric user
    and group id. Raises OSError; then the old file is unchanged and the temporary one removed. Without ``durable``, a
    power failure may lose the file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content if isinstance(content, bytes) else content.encode())
            handle.flush()
            os.fchmod(descriptor, mode)
            if owner is not None:
                os.fchown(descriptor, owner, owner)
            if durable:
                os.fsync(descriptor)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def write_or_remove(path: Path, content: str | None) -> None:
    """Write a file as ``write`` does; with None, remove it."""
    if content is not None:
        write(path, content)
    elif path.exists():
        path.unlink()
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power failure (POSIX: the folder itself needs an fsync)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: t.Any, mode: int = 0o644) -> None:
    """Write a JSON file as ``write`` does."""
    write(path, json.dumps(value, indent=2, sort_keys=True) + "\n", mode)


def read_json(path: Path) -> t.Any:
    """Return the content of a JSON file; None if it does not exist or is incomplete."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def read(path: Path) -> str | None:
    """Return the content of a text file; None if it does not exist."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextlib.contextmanager
def locked(path: Path, wait: bool = True) -> t.Iterator[None]:
    """Hold an exclusive flock on a file; the kernel releases it when this process ends.

    Without ``wait``, raises BlockingIOError if another process holds it. The file is never removed: two processes can
    hold a lock file that was unlinked (flock(2) locks the inode).
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)
