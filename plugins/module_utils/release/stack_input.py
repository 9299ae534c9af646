# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller sends of one stack: its definition, its files and its secrets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .. import state_file
from ..config.stack import Stack


@dataclass(frozen=True)
class StackInput:
    """One stack as the controller sends it. ``where`` is its path in the inventory, for messages.

    ``sources`` are the Compose files and what they refer to, by relative name.
    """

    stack: Stack
    sources: t.Mapping[str, str]
    secrets: t.Mapping[str, str] = field(repr=False)
    where: str

    @classmethod
    def from_module(cls, option: t.Mapping[str, t.Any], secrets: t.Mapping[str, str]) -> StackInput:
        """Return the input from a module's option ``stack`` and the secrets of this stack."""
        stack = state_file.from_json(Stack, option["definition"])
        return cls(stack, option["sources"], secrets, option["inventory_path"])
