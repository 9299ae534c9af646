# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far long work has come: told in a small file on the server while it lasts, and a line for a person.

The server writes numbers and the name of a step, the controller makes the words. Work that is short writes nothing.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import typing as t
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from . import atomic_file

NAME = "progress.json"

# Work that is done by then tells nothing, and asks nobody anything.
AFTER = 3.0
EVERY = 1.0

# What is older was left behind by a run that was killed.
STALE = 15.0

# What a person reads of each step, and what goes on when all of its rows or bytes are done.
STEPS = {
    "dump": ("dumping", "the end of the dump"),
    "sums": ("adding up the dump", "the end"),
    "read": ("reading the backup", "the end"),
    "proof": ("proving the backup", "indexes and constraints"),
    "restore": ("restoring", "indexes and constraints"),
    "compare": ("comparing with the backup", "the end"),
    "change": ("anonymising", ""),
    "copy": ("copying the backup off the server", ""),
    "rehearse": ("rehearsing the migration", ""),
    "migrate": ("migrating", ""),
    "command": ("running a command of the release", ""),
}

# Done by now, and of how many; None is for what nobody knows.
Amount = tuple[t.Optional[int], t.Optional[int]]


@dataclass(frozen=True)
class Progress:
    """What the file says: seconds since the epoch by the server's clock, and rows or bytes."""

    step: str
    started: float
    at: float
    done: int | None = None
    of: int | None = None
    unit: str = "rows"


def unknown() -> Amount:
    """Return the amount of work of which only the time is known."""
    return None, None


@contextlib.contextmanager
def report_progress(
    folder: Path, step: str, look: t.Callable[[], Amount] = unknown, unit: str = "rows"
) -> t.Iterator[None]:
    """Tell how far the work in this context has come, from a thread beside it; ``look`` is called in that thread.

    It never fails: what cannot be told is not told.
    """
    path, started, over = folder / NAME, time.time(), threading.Event()

    def tell() -> None:
        # Whatever goes wrong here, the work goes on and fails or not by itself.
        with contextlib.suppress(Exception):
            done = over.wait(AFTER)
            while not done:
                told = Progress(step, started, time.time(), *look(), unit)
                atomic_file.write(path, json.dumps(asdict(told)) + "\n", 0o600, durable=False)
                done = over.wait(EVERY)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        # A look asks a server that may be about to die.
        teller.join(timeout=STALE)
        with contextlib.suppress(OSError):
            # Also what a run left behind that was killed.
            path.unlink()


def read(text: str) -> Progress | None:
    """Return what the first whole file of several says; the server's time stands in the last line.

    What was told too long ago, or is none of our words, is nothing.
    """
    lines = text.split("\n")
    now = next((int(one) for one in reversed(lines) if one.strip().isdigit()), None)
    for one in lines:
        try:
            value = json.loads(one)
            told = Progress(**{field.name: value[field.name] for field in fields(Progress)})
        except (ValueError, TypeError, KeyError):
            continue
        if now is not None and abs(now - told.at) <= STALE and told.step in STEPS and told.unit in _UNITS:
            return told
    return None


def line(stack: str, environment: str, now: Progress, before: Progress | None = None) -> str:
    """Return the line of a person, with the rate since what was told before, or else since the beginning."""
    what, rest = STEPS[now.step]
    return f"{stack} ({environment}): {what}: {_amount(now, before, rest)}"


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
    """Return how much was done in a second since what was told before, or since the beginning of the step."""
    same = before and (before.step, before.started) == (now.step, now.started) and before.at < now.at
    since, done = (before.at, before.done or 0) if before and same else (now.started, 0)
    return max(0, round(((now.done or 0) - done) / max(0.001, now.at - since)))


def pause(passed: float, first: float) -> float:
    """Return the seconds until the next line: many at the beginning, and a few a minute in a step of hours."""
    return max(first, min(30.0, passed / 12))


def _rows(number: int) -> str:
    return f"{number:,} rows"


def _bytes(number: int) -> str:
    return f"{number / 2**30:,.1f} GiB" if number >= 2**30 else f"{number / 2**20:,.0f} MiB"


_UNITS = {"rows": _rows, "bytes": _bytes}
