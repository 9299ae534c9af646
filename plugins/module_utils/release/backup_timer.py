# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry point of the packed program that a backup timer starts.

It connects the backups with the release records, which decide what backups are kept.
"""

from __future__ import annotations

import typing as t

from ..backup import timer_main
from . import backup_sources
from .kept_backups import kept_backups


def main(argv: t.Sequence[str]) -> int:
    """Run the backups or their check; return the exit code."""
    return timer_main.main(argv, kept_backups, backup_sources.expand)
