# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of a stack in the log of its proxy, with the release that answered, as texts for a screen."""

from __future__ import annotations

import collections
import contextlib
import json
import time
import typing as t

from ..errors import SwitchyardError
from ..proxy.log_reader import AccessLogReader

if t.TYPE_CHECKING:
    from ..proxy.access_log import AccessLine
    from .context import StackContext
    from .record import Record


def release_at(records: t.Iterable[Record], color: str | None, moment: float) -> int | None:
    """Return the release that a color had at a time (seconds since the epoch); None without one.

    A color has one release at a time, from the start of its containers on; a rollback makes an old one live again.
    """
    found: tuple[float, int] | None = None
    for record in records:
        failed = record.state == "failed"
        if record.color != color or (failed and (record.finished or 0) <= moment):
            continue
        times = [record.started, *([record.finished] if record.finished and not failed else [])]
        last = max((each for each in times if each <= moment), default=None)
        if last is not None and (found is None or (last, record.number) > found):
            found = (last, record.number)
    return found[1] if found else None


def request_lines(ctx: StackContext, service: str | None, color: str | None, since: float, lines: int) -> list[str]:
    """Return the newest requests of a stack as texts; ``since`` is in seconds since the epoch.

    ``service`` leaves out requests of others, ``color`` those that the other color answered.
    """
    newest: collections.deque[AccessLine] = collections.deque(maxlen=lines)
    try:
        with contextlib.closing(AccessLogReader(ctx.proxy.process.open_log, ctx.key, since)) as reader:
            for line in reader.read():
                if service in (None, line.route) and (not color or line.color in (None, color)):
                    newest.append(line)
    except SwitchyardError as error:
        return [str(error)]
    records = ctx.records.all()
    broken = [f"{reader.unreadable} lines of the proxy cannot be read."] if reader.unreadable else []
    return [*(text_of(line, release_at(records, line.color, line.time)) for line in newest), *broken]


def text_of(line: AccessLine, release: int | None) -> str:
    """Return a request as a text in which no character controls a terminal."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(line.time))
    words = [f"{stamp}.{int(line.time % 1 * 1000):03}Z", str(line.status)]
    words += [_printable(line.method), _printable(line.host + line.path), f"{line.duration:.0f} ms"]
    if line.upstream is not None:
        words.append(f"(application {line.upstream:.0f} ms)")
    words += [f"{line.size} bytes", line.color or "proxy"]
    words += [f"release {release}"] if release else []
    words += [word for word in (line.route, "preview" if line.preview else "") if word]
    words += [_printable(line.client), _printable(line.request_id)]
    if line.termination != "complete":
        words.append(f"ended: {line.termination}")
    return " ".join(words)


def _printable(text: str) -> str:
    return json.dumps(text)[1:-1]
