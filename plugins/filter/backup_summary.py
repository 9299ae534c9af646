# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of backups for the screen."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import display

DOCUMENTATION = r"""
name: backup_summary
short_description: The outcome of backups for the screen
description:
  - Returns a line for each backup of a loop of M(switchyard.stacks.postgres_backup) that was made, would be made in
    check mode, or failed.
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
msg: "{{ backups.results | switchyard.stacks.backup_summary('prod', 'item') }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def backup_summary(results: t.Iterable[t.Mapping[str, t.Any]], environment: str, item: str) -> list[str]:
    """Return the lines."""
    return [f"{_title(result[item])} ({environment}): {_outcome(result)}" for result in results]


def _title(backup: t.Mapping[str, t.Any]) -> str:
    """Return the stack, and of an accessory the database too."""
    stack = str(backup["stack"])
    if backup.get("volume"):
        return f"{stack}, volume {backup['volume']}"
    return f"{stack}, {backup['database']} in {backup['accessory']}" if backup.get("accessory") else stack


def _outcome(result: t.Mapping[str, t.Any]) -> str:
    if result.get("failed"):
        return "FAILED. The message is above"
    if not result.get("backup"):
        plan = result["plan"]
        if "method" in plan:
            stops = f", stops {', '.join(plan['stop'])}" if plan["stop"] else ""
            return f"{result['name']} would be made: {display.size(plan['bytes'])}, {plan['method']}{stops}"
        return f"{result['name']} would be made: {plan['format']}, {plan['compression']}, verify: {plan['verify']}"
    backup, seconds = result["backup"], result["seconds"]
    removed = f"; removed {', '.join(result['removed'])}" if result["removed"] else ""
    if "method" in backup:
        facts = [result["name"], display.size(backup["bytes"]), f"{backup['rows']} files", display.VOLUME_STATE]
        facts += ["copied off-site"] if "removed_offsite" in result else []
        return f"{', '.join(facts)}; {backup['method']} for {seconds['copy']:.1f} s{removed}"
    facts = [result["name"], display.size(backup["bytes"]), f"{backup['rows']} rows", display.STATES[backup["state"]]]
    facts += ["copied off-site"] if result["copied_offsite"] else []
    duration = f"dumped in {seconds['dump']:.1f} s"
    duration += f", verified in {seconds['verify']:.1f} s" if "verify" in seconds else ""
    return f"{', '.join(facts)}; {duration}{removed}"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"backup_summary": backup_summary}
