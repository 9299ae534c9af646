# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that run beside us, and the sums of what they wrote."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .. import progress
from ..errors import SwitchyardError
from ..postgres.server import failed

# What the programs say with --verbose when nothing is wrong: it only tells how far they are.
_CALM = re.compile(rb"pg_(?:dump|restore): (?!(?:error|warning|detail|hint|fatal):|while |from TOC ).*\n?")


def private(words: list[str]) -> list[str]:
    """Return the words with a shell before them that lets nobody else read what the program writes."""
    return ["sh", "-c", 'umask 077; exec "$@"', "sh", *words]


class Running:
    """A program that runs while this process does something else."""

    def __init__(self, command: list[str], program: str) -> None:
        """Start it."""
        self.program = program
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the program is done
        # AnsibleModule.run_command needs a module; this code is used and tested without one.
        # pylint: disable-next=ansible-bad-function,consider-using-with
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._complaints
        )

    def wait(self) -> None:
        """Wait until it is done. Raises SwitchyardError with its last lines where it failed."""
        code = self._process.wait()
        if code:
            self._complaints.seek(0)
            lines = self._complaints.readlines()
            raise failed(self.program, code, b"".join(line for line in lines if not _CALM.match(line)))

    def said(self, begin: int) -> bytes:
        """Return what it wrote to standard error so far, from a byte on."""
        descriptor = self._complaints.fileno()
        return os.pread(descriptor, max(0, os.fstat(descriptor).st_size - begin), begin)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, *dummy: object) -> None:
        # Its own words tell more than what failed beside it, if it has ended with some by now.
        try:
            if kind and issubclass(kind, SwitchyardError) and self._process.poll():
                self.wait()
        finally:
            if self._process.poll() is None:
                # What runs in the container ends with the container.
                self._process.kill()
                self._process.wait()
            self._complaints.close()


def digest(folder: Path, threads: int = 1, tell: Path | None = None) -> dict[str, dict[str, t.Any]]:
    """Return the SHA-256 and the size of every file of a dump, by its path in the folder.

    With ``tell``, the file in that folder says how far it is.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] == "dump")
    size, done = sum(path.stat().st_size for path in paths), dict.fromkeys(paths, 0)

    def look() -> progress.Amount:
        return sum(done.values()), size

    with contextlib.ExitStack() as stack:
        if tell:
            stack.enter_context(progress.telling(tell, "sums", look, "bytes"))
        pool = stack.enter_context(ThreadPoolExecutor(max(1, threads)))
        sums = list(pool.map(lambda path: sha256(path, done), paths))
    return {
        str(path.relative_to(folder)): {"sha256": one, "bytes": path.stat().st_size} for path, one in zip(paths, sums)
    }


def sha256(path: Path, done: dict[Path, int] | None = None) -> str:
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


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be."""
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free


@contextlib.contextmanager
def timed(seconds: dict[str, float], what: str) -> t.Iterator[None]:
    """Note how long something took."""
    begun = time.monotonic()
    yield
    seconds[what] = round(time.monotonic() - begun, 3)
