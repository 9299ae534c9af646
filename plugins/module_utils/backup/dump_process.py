# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that run beside us, and the sums of what they wrote."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
import typing as t

from .. import command
from ..errors import SwitchyardError
from ..postgres.client_container import command_failure

# What the programs say with --verbose when nothing is wrong: it only tells how far they are.
_VERBOSE_ONLY = re.compile(rb"pg_(?:dump|restore): (?!(?:error|warning|detail|hint|fatal):|while |from TOC ).*\n?")


def private_umask(words: list[str]) -> list[str]:
    """Return the words with a shell before them that lets nobody else read what the program writes."""
    return ["sh", "-c", 'umask 077; exec "$@"', "sh", *words]


class DumpProcess:
    """A program that runs while this process does something else."""

    def __init__(self, args: list[str], program: str) -> None:
        """Start it."""
        self.program = program
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the program is done
        self._process = command.Process(args, name=program, stderr=self._complaints)

    def wait(self) -> None:
        """Wait until it is done. Raises SwitchyardError with its last lines where it failed."""
        code = self._process.wait()
        if code:
            self._complaints.seek(0)
            lines = self._complaints.readlines()
            text = b"".join(line for line in lines if not _VERBOSE_ONLY.match(line)).decode("utf-8", "replace")
            raise command_failure(self.program, code, text)

    def said(self, begin: int) -> bytes:
        """Return what it wrote to standard error so far, from a byte on."""
        descriptor = self._complaints.fileno()
        return os.pread(descriptor, max(0, os.fstat(descriptor).st_size - begin), begin)

    def __enter__(self) -> DumpProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, *dummy: object) -> None:
        # Its own words tell more than what failed beside it, if it has ended with some by now.
        try:
            if kind and issubclass(kind, SwitchyardError) and self._process.poll():
                self.wait()
        finally:
            # What runs in the container ends with the container.
            self._process.kill()
            self._complaints.close()


@contextlib.contextmanager
def timed(seconds: dict[str, float], what: str) -> t.Iterator[None]:
    """Note how long something took."""
    begun = time.monotonic()
    yield
    seconds[what] = round(time.monotonic() - begun, 3)
