# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA-256 checksums of backup files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .. import progress
from ..errors import SwitchyardError
from .manifest import Manifest


def checksum_folder(folder: Path, threads: int = 1, tell: Path | None = None) -> dict[str, dict[str, t.Any]]:
    """Return the SHA-256 and the size of every file of a dump, by its path in the folder.

    With ``tell``, the file in that folder says how far it is.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] == "dump")
    size, done = sum(path.stat().st_size for path in paths), dict.fromkeys(paths, 0)

    def look() -> progress.Amount:
        return sum(done.values()), size

    with contextlib.ExitStack() as stack:
        if tell:
            stack.enter_context(progress.report_progress(tell, "sums", look, "bytes"))
        pool = stack.enter_context(ThreadPoolExecutor(max(1, threads)))
        sums = list(pool.map(lambda path: checksum_file(path, done), paths))
    return {
        str(path.relative_to(folder)): {"sha256": one, "bytes": path.stat().st_size} for path, one in zip(paths, sums)
    }


def checksum_file(path: Path, done: dict[Path, int] | None = None) -> str:
    """Return the SHA-256 of a file, a piece at a time; ``done`` has the bytes that were read."""
    done = {} if done is None else done
    found = hashlib.sha256()
    piece = bytearray(1 << 20)
    view = memoryview(piece)
    with path.open("rb", buffering=0) as handle:
        while size := handle.readinto(piece):
            found.update(view[:size])
            done[path] = done.get(path, 0) + size
    return found.hexdigest()


class VerificationFailed(SwitchyardError):
    """A backup that does not hold what its manifest says."""


def verification_report(manifest: Manifest, wrong: t.Iterable[str]) -> str:
    """Return all that is wrong with a backup as one text."""
    lines = "\n".join(f"  {line}" for line in wrong)
    return f"The backup {manifest.name} is not what was dumped. Use another one. What differs:\n{lines}"


def check_files(folder: Path, manifest: Manifest, tell: Path | None = None) -> None:
    """Check the sums of a dump's files, and tell how far that is. Raises Unproved with all that differs."""
    found = checksum_folder(folder, min(4, os.cpu_count() or 1), tell)
    wrong = [f"{name} is missing" for name in sorted(set(manifest.files) - set(found))]
    wrong += [f"{name} was not there when it was made" for name in sorted(set(found) - set(manifest.files))]
    for name in sorted(set(found) & set(manifest.files)):
        was, now = manifest.files[name], found[name]
        if was["bytes"] != now["bytes"]:
            wrong.append(f"{name} has {now['bytes']} bytes, and had {was['bytes']}")
        elif was["sha256"] != now["sha256"]:
            wrong.append(f"{name} has another SHA-256 than when it was made")
    if wrong:
        raise VerificationFailed(verification_report(manifest, wrong))
