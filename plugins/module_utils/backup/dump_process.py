# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_dump and pg_restore as child processes that run while this process does other work."""

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

# Lines of --verbose that report no error: they are left out of an error message.
_VERBOSE_ONLY = re.compile(rb"pg_(?:dump|restore): (?!(?:error|warning|detail|hint|fatal):|while |from TOC ).*\n?")


def private_umask(args: list[str]) -> list[str]:
    """Return a command line that runs ``args`` with umask 077, so that only root can read the files it writes."""
    return ["sh", "-c", 'umask 077; exec "$@"', "sh", *args]


class DumpProcess:
    """A child process, started at once and ended with the context."""

    def __init__(self, args: list[str], program: str) -> None:
        """Start the command; ``program`` is its name in messages."""
        self.program = program
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the program is done
        self._process = command.Process(args, name=program, stderr=self._stderr)

    def wait(self) -> None:
        """Wait for the end. Raises CommandError with the last error lines when the program failed."""
        code = self._process.wait()
        if code:
            self._stderr.seek(0)
            lines = self._stderr.readlines()
            text = b"".join(line for line in lines if not _VERBOSE_ONLY.match(line)).decode("utf-8", "replace")
            raise command_failure(self.program, code, text)

    def stderr_from(self, offset: int) -> bytes:
        """Return what the program has written to standard error so far, from a byte offset on."""
        descriptor = self._stderr.fileno()
        return os.pread(descriptor, max(0, os.fstat(descriptor).st_size - offset), offset)

    def __enter__(self) -> DumpProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, *dummy: object) -> None:
        # When the program has failed by now, its own error says more than the one that ended this context.
        try:
            if kind and issubclass(kind, SwitchyardError) and self._process.poll():
                self.wait()
        finally:
            # This kills "docker exec"; the program itself ends with its container.
            self._process.kill()
            self._stderr.close()


@contextlib.contextmanager
def timed(seconds: dict[str, float], part: str) -> t.Iterator[None]:
    """Store in ``seconds[part]`` how long the context took."""
    begin = time.monotonic()
    yield
    seconds[part] = round(time.monotonic() - begin, 3)
