# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: volume_backups
short_description: The volumes that backups hold
description:
  - Returns the volume of each entry in the stacks' C(backup_volumes), with the options of
    M(switchyard.stacks.volume_backup).
options:
  _input:
    description: The stacks, as in C(switchyard_stacks).
    type: list
    elements: dict
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
volumes: "{{ switchyard_stacks | switchyard.stacks.volume_backups }}"
# [{"stack": "shop", "volume": "uploads"}]
"""

RETURN = r"""
_value:
  description: A dictionary of options per volume.
  type: list
  elements: dict
"""

OPTIONS = ("volume", "service", "before", "after")


def volume_backups(stacks: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return the options of each volume's backup."""
    return [
        {"stack": stack["name"], **{key: volume[key] for key in OPTIONS if volume.get(key)}}
        for stack in stacks
        for volume in stack.get("backup_volumes") or ()
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"volume_backups": volume_backups}
