# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a canary: how many clients get the new color, for how long, and where a person decides. Pure."""

from __future__ import annotations

import re
import typing as t

DEFAULT = "5/60s, 25/60s, 50/60s, 100"

_STEP = re.compile(r"(?P<percent>\d{1,3})(?:/(?:(?P<pause>pause)|(?P<seconds>\d+(?:\.\d+)?)(?P<unit>[smh])))?\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600}

CanaryStep = dict[str, t.Any]


def parse_steps(text: str) -> list[CanaryStep]:
    """Return the steps in a text such as ``5/60s, 25/pause, 100``: each with ``percent``, ``seconds`` and ``pause``.

    The last one, 100, is the switch itself and is left out. Raises ValueError with what is wrong.
    """
    found: list[CanaryStep] = []
    for word in (part.strip() for part in text.split(",")):
        match = _STEP.match(word)
        if not match:
            raise ValueError(f"{word!r} is no step")
        percent = int(match["percent"])
        if not (found[-1]["percent"] if found else 0) < percent <= 100:
            raise ValueError(f"{percent} % does not come after the step before it, or is more than 100")
        if percent < 100 and not (match["pause"] or match["seconds"]):
            raise ValueError(f"{word!r} does not say how long")
        seconds = float(match["seconds"] or 0) * _SECONDS[match["unit"] or "s"]
        found.append({"percent": percent, "seconds": seconds, "pause": bool(match["pause"])})
    return found[:-1] if found[-1]["percent"] == 100 else found


def remaining_steps(all_steps: list[CanaryStep], done: int) -> list[CanaryStep]:
    """Return the steps that come next: up to the one at which the release waits for a person."""
    left = []
    for number, step in enumerate(all_steps[done:], done + 1):
        left.append({**step, "number": number})
        if step["pause"]:
            break
    return left
