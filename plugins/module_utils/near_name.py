# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known name that a misspelt one probably means."""

from __future__ import annotations

import difflib
import typing as t


def near_name(name: str, known: t.Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known name that is most like a name, or None; ``likeness`` is from 0 to 1."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)), None)


def did_you_mean(name: str, known: t.Iterable[str], otherwise: str) -> str:
    """Return the hint of a problem that names the known name, or ``otherwise`` where none is like it."""
    near = near_name(name, known)
    return f"Did you mean '{near}'?" if near else otherwise
