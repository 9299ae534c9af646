# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a long step: a small file on the server while it runs, and the line that the user reads.

The server writes numbers and the name of a step; the controller writes the text. A short step writes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
import typing as t
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from . import atomic_file

NAME = "progress.json"

# Seconds before the first report; a step that ends earlier reports nothing and queries no server.
AFTER = 3.0
EVERY = 1.0

# Seconds after which a report is left over from an interrupted run
STALE = 15.0

# The text of each step, and what it is still doing when all of its rows or bytes are done
STEPS = {
    "lock": ("waiting for another run", ""),
    "dump": ("dumping", "the end of the dump"),
    "checksum": ("checksumming the dump", "the end"),
    "read": ("reading the backup", "the end"),
    "verify": ("verifying the backup", "indexes and constraints"),
    "restore": ("restoring", "indexes and constraints"),
    "compare": ("comparing with the backup", "the end"),
    "anonymise": ("anonymising", ""),
    "offsite": ("copying the backup off-site", ""),
    "rehearse": ("rehearsing the migration", ""),
    "migrate": ("migrating", ""),
    "accessories": ("waiting for the accessories", ""),
    "command": ("running a command of the release", ""),
    "pull": ("pulling", ""),
    "build": ("building images", ""),
    "save": ("saving images", "the end"),
    "pack": ("packing images", "the end"),
    "send_images": ("sending images", "the end"),
    "send_files": ("sending files", "the end"),
    "load": ("loading images", "the end"),
    "drain": ("waiting for the last requests of the idle color", ""),
    "gates": ("waiting until the new color is healthy", ""),
    "canary": ("watching the canary", ""),
    "workers": ("replacing the workers", ""),
    "watch": ("watching the new color", ""),
}

# Done so far, and the total; None is unknown.
Amount = tuple[t.Optional[int], t.Optional[int]]


@dataclass(frozen=True)
class Progress:
    """A report: times in seconds since the epoch by the server's clock, amounts in rows or bytes.

    ``detail`` is what of the step is being done, in the words of another program.
    """

    step: str
    started: float
    at: float
    done: int | None = None
    of: int | None = None
    unit: str = "rows"
    detail: str = ""


def waiting_name(machine: str, process: int) -> str:
    """Return the name of the file in which a run reports that it waits for the lock of another one.

    ``machine`` and ``process`` are those of its controller: the run that holds the lock reports next to it.
    """
    return f"{re.sub('[^A-Za-z0-9-]', '_', machine)}-{process}.{NAME}"


def remove_stale(folder: Path) -> None:
    """Remove the reports of runs that were killed while they waited."""
    for path in folder.glob(f"*.{NAME}"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - STALE:
                path.unlink()


def unknown() -> Amount:
    """Return the amount of a step that only its duration is known of."""
    return None, None


def read_so_far(file: t.IO[bytes]) -> Amount:
    """Return how many bytes of an open file were read, and its size; another thread reads it.

    The position is that of the descriptor: a look at that of the buffer would change it for the other thread.
    """
    return os.lseek(file.fileno(), 0, os.SEEK_CUR), os.fstat(file.fileno()).st_size


@contextlib.contextmanager
def report_progress(
    folder: Path,
    step: str,
    amount: t.Callable[[], Amount] = unknown,
    unit: str = "rows",
    detail: t.Callable[[], str] = str,
    name: str = NAME,
) -> t.Iterator[None]:
    """Report the progress of the work in this context, from a thread that calls ``amount`` and ``detail``.

    It never fails: without an amount, nothing is reported. ``name`` is that of the file.
    """
    path, started, finished = folder / name, time.time(), threading.Event()

    def report() -> None:
        # A failure here does not end the work, which fails or succeeds by itself.
        with contextlib.suppress(Exception):
            done = finished.wait(AFTER)
            while not done:
                report = Progress(step, started, time.time(), *amount(), unit, detail())
                atomic_file.write(path, json.dumps(asdict(report)) + "\n", 0o600, durable=False)
                done = finished.wait(EVERY)

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        finished.set()
        # The thread may be querying a server that is about to crash.
        reporter.join(timeout=STALE)
        with contextlib.suppress(OSError):
            # Also the file of an interrupted run
            path.unlink()


def read(text: str) -> Progress | None:
    """Return the first complete report of several files; the last line is the server's time.

    An older report, or one with an unknown step or unit, is ignored.
    """
    lines = text.split("\n")
    now = next((int(line) for line in reversed(lines) if line.strip().isdigit()), None)
    for line_text in lines:
        try:
            value = json.loads(line_text)
            report = Progress(**{item.name: value[item.name] for item in fields(Progress) if item.name in value})
        except (ValueError, TypeError):
            continue
        if now is not None and abs(now - report.at) <= STALE and report.step in STEPS and report.unit in _UNITS:
            return report
    return None


def line(stack: str, environment: str, now: Progress, before: Progress | None = None) -> str:
    """Return the user's line, with the rate since the previous report, or else since the step began."""
    text, rest = STEPS[now.step]
    done = [now.detail, _amount(now, before, rest)]
    return f"{stack} ({environment}): {text}: {', '.join(filter(None, done))}"


def _amount(now: Progress, before: Progress | None, rest: str) -> str:
    write, seconds = _UNITS[now.unit], f"{max(0, now.at - now.started):.0f} s"
    if now.done is None:
        return seconds if now.of is None else f"{seconds}, the database has {write(now.of)}"
    if now.of and now.done >= now.of:
        return f"all {write(now.of)}, now {rest}, {seconds}"
    done = write(now.done)
    if now.of:
        # 5 of 9 rows, but 5 MiB of 1 GiB
        done = f"{done[: -len(' rows')] if now.unit == 'rows' else done} of {write(now.of)}"
    speed = rate(now, before)
    return f"{done}, {write(speed)}/s" if speed else f"{done}, {seconds}"


def rate(now: Progress, before: Progress | None = None) -> int:
    """Return the amount per second since the previous report, or since the step began."""
    same = before and (before.step, before.started) == (now.step, now.started) and before.at < now.at
    since, done = (before.at, before.done or 0) if before and same else (now.started, 0)
    return max(0, round(((now.done or 0) - done) / max(0.001, now.at - since)))


def pause(passed: float, first: float) -> float:
    """Return the seconds until the next line: few at first, and up to 30 in a step of hours."""
    return max(first, min(30.0, passed / 12))


def _rows(number: int) -> str:
    return f"{number:,} rows"


def _bytes(number: int) -> str:
    return f"{number / 2**30:,.1f} GiB" if number >= 2**30 else f"{number / 2**20:,.0f} MiB"


_UNITS = {"rows": _rows, "bytes": _bytes}
