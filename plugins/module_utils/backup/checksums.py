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


def checksum_folder(folder: Path, threads: int = 1, progress_folder: Path | None = None) -> dict[str, dict[str, t.Any]]:
    """Return the SHA-256 and the size in bytes of every file of a dump, by its path in the folder.

    Progress is reported to a file in ``progress_folder``, if one is given.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] == "dump")
    total, done = sum(path.stat().st_size for path in paths), dict.fromkeys(paths, 0)

    def amount() -> progress.Amount:
        return sum(done.values()), total

    with contextlib.ExitStack() as stack:
        if progress_folder:
            stack.enter_context(progress.report_progress(progress_folder, "checksum", amount, "bytes"))
        pool = stack.enter_context(ThreadPoolExecutor(max(1, threads)))
        sums = list(pool.map(lambda path: checksum_file(path, done), paths))
    return {
        str(path.relative_to(folder)): {"sha256": sha256, "bytes": path.stat().st_size}
        for path, sha256 in zip(paths, sums)
    }


def checksum_file(path: Path, done: dict[Path, int] | None = None) -> str:
    """Return the SHA-256 of a file, which is read in chunks; ``done`` receives the bytes read so far."""
    done = {} if done is None else done
    sha256 = hashlib.sha256()
    chunk = bytearray(1 << 20)
    view = memoryview(chunk)
    with path.open("rb", buffering=0) as handle:
        while size := handle.readinto(chunk):
            sha256.update(view[:size])
            done[path] = done.get(path, 0) + size
    return sha256.hexdigest()


class VerificationFailed(SwitchyardError):
    """A backup whose content differs from its manifest."""


def verification_report(manifest: Manifest, differences: t.Iterable[str]) -> str:
    """Return all differences between a backup and its manifest as one message."""
    lines = "\n".join(f"  {line}" for line in differences)
    return f"The backup {manifest.name} is not what was dumped. Use another one. Differences:\n{lines}"


def check_files(folder: Path, manifest: Manifest, progress_folder: Path | None = None) -> None:
    """Compare the checksums of a dump's files with its manifest. Raises VerificationFailed with all differences."""
    actual = checksum_folder(folder, min(4, os.cpu_count() or 1), progress_folder)
    differences = [f"{name} is missing" for name in sorted(set(manifest.files) - set(actual))]
    differences += [f"{name} is not in the manifest" for name in sorted(set(actual) - set(manifest.files))]
    for name in sorted(set(actual) & set(manifest.files)):
        was, now = manifest.files[name], actual[name]
        if was["bytes"] != now["bytes"]:
            differences.append(f"{name} has {now['bytes']} bytes, and had {was['bytes']}")
        elif was["sha256"] != now["sha256"]:
            differences.append(f"{name} has another SHA-256 than in the manifest")
    if differences:
        raise VerificationFailed(verification_report(manifest, differences))
