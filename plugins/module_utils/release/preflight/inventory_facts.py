# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight knows of the whole inventory, in addition to the stacks that it looks at."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...config.server_settings import SettingsRequest


@dataclass(frozen=True)
class InventoryFacts:
    """The names of all stacks of an inventory, its settings of the server, and the command that retires stacks.

    ``stacks`` is None where the inventory is not readable: then nothing is known to be left over.
    """

    stacks: tuple[str, ...] | None = None
    settings: SettingsRequest | None = None
    redis_is_shared: bool = False
    retire: str = "ansible-playbook retire.yml"

    @classmethod
    def from_module(cls, given: t.Mapping[str, t.Any], owner: tuple[str, str], now: float) -> InventoryFacts:
        """Return the facts from the option ``inventory``; ``owner`` is the project and the environment."""
        stacks, settings = given.get("stacks"), given.get("settings")
        request = SettingsRequest(
            *owner,
            given.get("operator") or "",
            now,
            settings or {},
            bool(given.get("accept_server_change")),
            frozenset(given.get("unset") or ()),
        )
        return cls(
            None if stacks is None else tuple(stacks),
            request if settings else None,
            bool(given.get("redis_is_shared")),
            given.get("retire") or cls.retire,
        )


UNKNOWN_INVENTORY = InventoryFacts()
