# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller sends of one stack: its definition, its files and its secrets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class StackInput:
    """What the inventory gives of one stack: its checked definition, its files, its secrets, and where it stands.

    ``sources`` are the Compose files and what they refer to, by relative name.
    """

    stack: dict[str, t.Any]
    sources: dict[str, str]
    secrets: dict[str, str]
    where: str
