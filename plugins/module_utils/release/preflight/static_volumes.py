# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the volumes that ``static`` and ``backup_volumes`` name are created by the Compose files."""

from __future__ import annotations

from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the volumes that the inventory names and the Compose files do not create."""
    declared = context.normalised.get("volumes", {})
    volumes = sorted(name for name, volume in declared.items() if not (volume or {}).get("external"))
    hint = f"Volumes there are: {', '.join(volumes) or 'none'}"
    named = [(f"static[{index}].volume", static.volume) for index, static in enumerate(context.stack.static)]
    named += [(f"backup_volumes[{index}].volume", one.volume) for index, one in enumerate(context.stack.backup_volumes)]
    return [
        Problem(f"{context.where}.{key}", f"the Compose files make no volume {volume}", hint, "compose.volume_unknown")
        for key, volume in named
        if volume not in volumes
    ]
