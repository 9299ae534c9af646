# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a canary: percent of the clients, for how long, and where an operator decides."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

DEFAULT = "5/60s, 25/60s, 50/60s, 100"

_STEP = re.compile(r"(?P<percent>\d{1,3})(?:/(?:(?P<pause>pause)|(?P<seconds>\d+(?:\.\d+)?)(?P<unit>[smh])))?\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class CanaryStep:
    """One step: its number from 1, the percent of the clients, and for how many seconds or until an operator acts."""

    number: int
    percent: int
    seconds: float
    pause: bool = False


def parse_steps(text: str) -> list[CanaryStep]:
    """Return the steps in a text such as ``5/60s, 25/pause, 100``.

    The last one, 100, is the switch itself and is left out. Raises ValueError with what is wrong.
    """
    steps: list[CanaryStep] = []
    for number, part in enumerate((part.strip() for part in text.split(",")), 1):
        match = _STEP.match(part)
        if not match:
            raise ValueError(f"{part!r} is not a step")
        percent = int(match["percent"])
        if not (steps[-1].percent if steps else 0) < percent <= 100:
            raise ValueError(f"{percent} % does not come after the step before it, or is more than 100")
        if percent < 100 and not (match["pause"] or match["seconds"]):
            raise ValueError(f"{part!r} does not say how long")
        seconds = float(match["seconds"] or 0) * _SECONDS[match["unit"] or "s"]
        steps.append(CanaryStep(number, percent, seconds, bool(match["pause"])))
    return steps[:-1] if steps[-1].percent == 100 else steps


def remaining_steps(steps: t.Sequence[CanaryStep], done: int) -> list[CanaryStep]:
    """Return the steps after those that are done, up to and including the next pause."""
    remaining = []
    for step in steps[done:]:
        remaining.append(step)
        if step.pause:
            break
    return remaining
