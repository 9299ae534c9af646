# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of a release's color, and what has to happen before it."""

from __future__ import annotations

import typing as t

from ..place import Place
from . import holding, jobs


def start(place: Place, number: int, token: int, with_jobs: bool) -> dict[str, t.Any]:
    """Stop the old application if the strategy asks for it, run the one-off commands, and start the color.

    It is one visit, because requests may be waiting. Raises SwitchyardError when a command fails.
    """
    record = place.records.need(number)
    held = holding.hold(place, number, token) if record.stack["strategy"] == "recreate" else holding.NOTHING
    done = jobs.run(place, number, token) if with_jobs else []
    place.lock.renew(token, "start")
    place.compose_up(record, record.color)
    return {"jobs": done, **held}
