# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the log of a proxy from where the last read ended: the engine's files of a container, or the journal.

Both are bounded, and rotated by their owner: a proxy that writes its own file would stop every stack on a full disk,
where the engine drops lines. A rotated file is read to its end before the next one; ``missed`` says that there are
lines which were removed before they were read.
"""

from __future__ import annotations

import abc
import contextlib
import json
import os
import time
import typing as t
from pathlib import Path

from .. import command
from ..errors import SwitchyardError
from . import access_log
from .access_log import AccessLine, UnreadableLine

CHUNK = 1 << 18
# Rotated files of the engine: <file>.1 is the newest (moby, daemon/logger/loggerutils/logfile.go).
ROTATED = 100
# Seconds: the engine stamps a line a moment after the proxy made it.
LAG = 1.0


class LogReader(abc.ABC):
    """Reads lines once each; ``missed`` is whether lines were lost before they were read."""

    missed = False

    @abc.abstractmethod
    def read(self) -> t.Iterator[str]:
        """Yield the lines that were written since the last call."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close what is open."""


class AccessLogReader:
    """The requests of one stack in the log of its proxy, from a time on.

    ``unreadable`` counts lines of requests that are broken, as on a disk that was full.
    """

    def __init__(self, open_log: t.Callable[[float, bytes], LogReader], key: str, since: float) -> None:
        """Take ``ProxyProcess.open_log``, the key of the stack, and the time in seconds since the epoch."""
        # With the quote before it: HAProxy and nginx write "<key>", Traefik "<key>:<router>".
        self._log = open_log(since, f'"{key}'.encode())
        self._key = key
        self._since = since
        self.unreadable = 0

    @property
    def missed(self) -> bool:
        """Whether lines were removed before they were read."""
        return self._log.missed

    def read(self) -> t.Iterator[AccessLine]:
        """Yield the requests that ended since the last call. Raises SwitchyardError where the log cannot be read."""
        for text in self._log.read():
            try:
                line = access_log.parse(text)
            except UnreadableLine:
                self.unreadable += 1
                continue
            if line and line.stack == self._key and line.time >= self._since:
                yield line

    def close(self) -> None:
        """Close the log."""
        self._log.close()


class ContainerLogReader(LogReader):
    """The files of the engine's log driver ``json-file``: one JSON object per line, with the line of the container."""

    def __init__(self, locate: t.Callable[[], str], since: float, needle: bytes) -> None:
        """Take what returns the current path, another one for another container, and a text of all lines that count.

        The path is empty while there is no container.
        """
        self._locate = locate
        self._since = since
        # In the files each quote of a line is escaped.
        self._needle = needle.replace(b'"', b'\\"')
        self._path = Path()
        self._file: t.BinaryIO | None = None
        self._rest = b""
        self._parts = b""

    def read(self) -> t.Iterator[str]:
        """Yield the new lines that have the text; see LogReader."""
        located = self._locate()
        path = Path(located) if located else self._path
        if located and not self._file:
            self._begin(path)
        while self._file:
            yield from self._new_lines(self._file)
            # One that is being replaced has no file now; a rotation renames the current one before it makes the next.
            if not located or not path.exists() or _same(self._file, path):
                return
            # It was rotated, maybe after the last line was read: it gets no other line now.
            yield from self._new_lines(self._file)
            self._next(self._file, path)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
        self._file = None

    def _begin(self, path: Path) -> None:
        """Open the file that has the first line of the time, at that line."""
        self._path = path
        begin = _stamp(self._since - LAG)
        for each in _files(path):
            file = _open(each)
            self.close()
            self._file = file
            size = os.fstat(file.fileno()).st_size
            offset = _first_at(file, size, begin)
            file.seek(offset)
            if offset < size:
                break

    def _next(self, current: t.BinaryIO, path: Path) -> None:
        """Open the file that follows the current one; of another container, the oldest."""
        files = _files(path)
        found = next((number for number, each in enumerate(files) if _same(current, each)), None)
        if found is None and path == self._path:
            self.missed = True
        self._path = path
        following = files[found + 1 if found is not None else 0]
        # A rename in between moves each name to an older file: the current one is opened again, and read from its end.
        file = _open(following)
        self.close()
        self._file, self._rest, self._parts = file, b"", b""

    def _new_lines(self, file: t.BinaryIO) -> t.Iterator[str]:
        while data := file.read(CHUNK):
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                # The engine splits what is longer than 16 KiB; only the last part ends with the end of the line.
                if self._parts or b'\\n","stream":' not in line:
                    self._parts += line + b"\n"
                    if b'\\n","stream":' not in line:
                        continue
                    line, self._parts = self._parts[:-1], b""
                if self._needle in line:
                    with contextlib.suppress(ValueError, KeyError):
                        yield "".join(json.loads(part)["log"] for part in line.split(b"\n")).rstrip("\n")


def _files(path: Path) -> list[Path]:
    """Return the files of a log that exist, the oldest first."""
    rotated = [path.with_name(f"{path.name}.{number}") for number in range(1, ROTATED)]
    return [*(each for each in reversed(rotated) if each.exists()), path]


def _open(path: Path) -> t.BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        hint = "The proxy's container needs the log driver json-file on this server. Run setup.yml."
        raise SwitchyardError(f"The log of the proxy cannot be read: {error}.", hint=hint) from error


def _same(file: t.BinaryIO, path: Path) -> bool:
    """Return whether an open file is the one of a path."""
    own = os.fstat(file.fileno())
    try:
        other = path.stat()
    except FileNotFoundError:
        return False
    return (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino)


def _stamp(seconds: float) -> str:
    """Return a time as the engine writes it, without zeros at the end and the Z: then it compares as a text."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03}".rstrip("0").rstrip(".")


def _first_at(file: t.BinaryIO, size: int, begin: str) -> int:
    """Return the offset of the first line of a time or later, the end where there is none: lines are in order."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        # The line that begins at or after the middle.
        file.seek(max(0, middle - 1))
        if middle:
            file.readline()
        offset, line = file.seek(0, os.SEEK_CUR), file.readline()
        stamp = line.rpartition(b'"time":"')[2].rstrip(b'"}\n').rstrip(b"Z").decode("ascii", "replace")
        if not line or stamp >= begin or offset >= high:
            high = middle
        else:
            low = offset + len(line)
    return low


class JournalReader(LogReader):
    """The lines of a systemd unit in the journal."""

    def __init__(self, unit: str, since: float, needle: bytes, env: t.Mapping[str, str] | None = None) -> None:
        """Take the unit, the time in seconds since the epoch, and a text of all lines that count."""
        self._command = ["journalctl", f"--unit={unit}", "--output=cat", "--no-pager", "--all", "--show-cursor"]
        self._from = f"--since=@{since - LAG:.3f}"
        self._needle = needle
        self._env = env

    def read(self) -> t.Iterator[str]:
        """Yield the new lines that have the text; see LogReader."""
        marker = b"-- cursor: "
        process = command.Process([*self._command, self._from], stdout=command.PIPE, env=self._env)
        try:
            for line in process.stdout:
                if line.startswith(marker):
                    self._from = f"--after-cursor={line[len(marker) :].decode().strip()}"
                elif self._needle in line:
                    yield line.decode("utf-8", "replace").rstrip("\n")
            code = process.wait()
        finally:
            process.kill()
            process.close()
        if code:
            raise SwitchyardError(f"journalctl ended with exit code {code}: the log of the proxy cannot be read.")

    def close(self) -> None:
        """Do nothing: each read ends the program that it started."""
