# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of backups, as a person reads it."""

from __future__ import annotations

import typing as t

from .backup_list import PROOFS, size

DOCUMENTATION = r"""
name: backup_summary
short_description: What became of backups, as a person reads it
description:
  - Returns a line for each backup that M(switchyard.stacks.postgres_backup) made in a loop, or would make in check
    mode, or could not make.
options:
  _input:
    description: The module's results.
    type: list
    elements: dict
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
  item:
    description: Name of the loop's variable, whose C(stack) is the stack's name.
    type: str
    required: true
positional: environment, item
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ made.results | switchyard.stacks.backup_summary('prod', 'item') }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def backup_summary(results: t.Iterable[t.Mapping[str, t.Any]], environment: str, item: str) -> list[str]:
    """Return the lines."""
    return [f"{one[item]['stack']} ({environment}): {_became(one)}" for one in results]


def _became(one: t.Mapping[str, t.Any]) -> str:
    if one.get("failed"):
        return "FAILED. The message stands above"
    if not one.get("backup"):
        plan = one["plan"]
        return f"{one['name']} would be made: {plan['format']}, {plan['compression']}, verify: {plan['verify']}"
    made, seconds = one["backup"], one["seconds"]
    told = [one["name"], size(made["bytes"]), f"{made['rows']} rows", PROOFS[made["state"]]]
    told += ["copied off the server"] if one["copied"] else []
    took = f"dumped in {seconds['dump']:.1f} s"
    took += f", verified in {seconds['verify']:.1f} s" if "verify" in seconds else ""
    gone = f"; {', '.join(one['removed'])} removed" if one["removed"] else ""
    return f"{', '.join(told)}; {took}{gone}"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"backup_summary": backup_summary}
