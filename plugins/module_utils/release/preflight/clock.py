# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the clock of the server agrees with the controller's.

Locks, certificates and logins compare times. The controller calls it, which knows when it asked.
"""

from __future__ import annotations

from ...errors import WARNING, Problem

# Seconds
MOST = 30.0


def skew_of(begin: float, server: float, end: float) -> float:
    """Return the seconds that a server is ahead of the controller; ``server`` was read between ``begin`` and ``end``.

    All are seconds since the epoch. The server was not asked at a known moment: 0 means that it may be right.
    """
    return server - end if server > end else min(0.0, server - begin)


def problems(begin: float, server: float, end: float) -> list[Problem]:
    """Return a problem when the clocks differ too much."""
    skew = skew_of(begin, server, end)
    if abs(skew) <= MOST:
        return []
    direction = "ahead of" if skew > 0 else "behind"
    message = f"its clock is {abs(skew):.0f} s {direction} the controller's"
    hint = "Start a time service on both, such as systemd-timesyncd or chrony"
    return [Problem("server", message, hint, "server.clock", severity=WARNING)]
