# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How backups appear on the screen: their state, size and age."""

from __future__ import annotations

import typing as t

# The manifest's states
STATES = {
    "restored": "verified by a restore",
    "read": "read completely, not verified by a restore",
    "dumped": "not verified",
}


VOLUME_STATE = "read back and compared"


def state_of(backup: t.Mapping[str, t.Any]) -> str:
    """Return how far a backup of a list is verified; a volume's is always read back."""
    return VOLUME_STATE if backup.get("volume") else STATES.get(backup["state"], str(backup["state"]))


def age(seconds: float) -> str:
    """Return a duration in its largest unit."""
    for unit, length, limit in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < length * limit:
            return f"{max(0, int(seconds // length))} {unit}"
    return f"{int(seconds // 86400)} days"


def size(number: float) -> str:
    """Return a number of bytes in its largest unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"
