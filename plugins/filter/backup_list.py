# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups as a person reads them."""

from __future__ import annotations

import time
import typing as t

DOCUMENTATION = r"""
name: backup_list
short_description: Backups as a person reads them
description:
  - Returns what M(switchyard.stacks.postgres_backup_info) told of several stacks, a line each, with what to type to
    restore one.
options:
  _input:
    description: What the module returned, of each stack.
    type: list
    elements: dict
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
  command:
    description: The command that restores, up to the name of the stack.
    type: str
    required: true
  several:
    description: Whether the command has to name the stack.
    type: bool
    required: true
  now:
    description: Seconds since 1970 that ages are counted to; without it, the controller's clock.
    type: float
positional: environment, command, several, now
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ told.results | switchyard.stacks.backup_list('prod', 'ansible-playbook restore.yml -i prod', false) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

PROOFS = {
    "restored": "restored elsewhere and compared",
    "read": "read to its end",
    "dumped": "not verified",
}


def backup_list(
    told: t.Iterable[t.Mapping[str, t.Any]], environment: str, command: str, several: bool, now: float | None = None
) -> list[str]:
    """Return the lines of all stacks."""
    now = time.time() if now is None else now
    lines = []
    for one in told:
        words = f"{command} -e stack={one['stack']}" if several else command
        lines += _of_one(one, f"{one['stack']} ({environment})", words, now)
    return lines


def _of_one(told: t.Mapping[str, t.Any], title: str, command: str, now: float) -> list[str]:
    backups = told["backups"]
    rows = [("NAME", "AGE", "SIZE", "ROWS", "RELEASE", "STATE")]
    for one in backups:
        if one["state"] == "broken":
            rows.append((one["name"], "", "", "", "", f"broken: {' '.join(one['problems'])}"))
        else:
            release = "-" if one["release"] is None else str(one["release"])
            rows.append(
                (
                    *(one["name"], age(now - one["finished"]), size(one["bytes"])),
                    *(str(one["rows"]), release, PROOFS.get(one["state"], one["state"])),
                )
            )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [f"{title}: {len(backups)} backup{'' if len(backups) == 1 else 's'} in {told['folder']}"]
    if backups:
        lines += ["  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[5]]) for row in rows]
    usable = next((one["name"] for one in backups if one["state"] != "broken"), None)
    last = told.get("last")
    if last:
        how = "well" if last["ok"] else f"FAILED: {last['error']}"
        lines.append(f"  The last run, by {last['by']} {age(now - last['finished'])} ago: {how}")
    if told.get("restoring"):
        lines.append(f"  A restore of {told['restoring']} was killed; the next backup or restore brings it to an end.")
    if told.get("fence"):
        lines.append("  A fence stands around the database: its logins are kept out.")
    away = [name for name in told.get("copies", []) if name not in {one["name"] for one in backups}]
    if "copies" in told:
        lines.append(f"  Copies off the server: {', '.join(told['copies']) or 'none'}")
    if usable:
        lines.append(f"  To go back to one, type: {command} -e backup={usable}")
    if away:
        lines.append(f"  To fetch a copy and go back to it, type: {command} -e backup={away[0]} -e copy=true")
    if not usable and not away:
        lines.append(f"  To make one, type: {command.replace('restore.yml', 'backup.yml')}")
    return lines


def age(seconds: float) -> str:
    """Return a time that has passed, in its largest unit."""
    for unit, length, limit in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < length * limit:
            return f"{max(0, int(seconds // length))} {unit}"
    return f"{int(seconds // 86400)} days"


def size(number: float) -> str:
    """Return a number of bytes, in its largest unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"backup_list": backup_list}
