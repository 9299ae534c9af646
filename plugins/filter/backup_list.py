# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list of backups for the screen."""

from __future__ import annotations

import shlex
import time
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import display
from ansible_collections.switchyard.stacks.plugins.module_utils.text_table import table_lines

DOCUMENTATION = r"""
name: backup_list
short_description: A list of backups for the screen
description:
  - Returns a line for each backup that M(switchyard.stacks.postgres_backup_info) listed, for several stacks, with the
    command that restores one.
options:
  _input:
    description: The module's results, one per stack.
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
    description: The time in seconds since 1970 from which ages are computed. If unset, the controller's clock.
    type: float
positional: environment, command, several, now
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "{{ info.results | switchyard.stacks.backup_list('prod', 'ansible-playbook restore.yml -i prod', false) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def backup_list(
    results: t.Iterable[t.Mapping[str, t.Any]], environment: str, command: str, several: bool, now: float | None = None
) -> list[str]:
    """Return the lines of all stacks."""
    now = time.time() if now is None else now
    lines = []
    for info in results:
        stack_command = f"{command} -e stack={info['stack']}" if several else command
        accessories, volumes = info.get("accessories") or [], info.get("volumes") or []
        # A stack whose databases are all in accessories has no backups of its own.
        if info["backups"] or info.get("last_run") or info.get("offsite") or not accessories + volumes:
            lines += _stack_lines(info, f"{info['stack']} ({environment})", stack_command, now)
        for found in accessories:
            title = f"{info['stack']}, {found['database']} in {found['accessory']} ({environment})"
            named = " ".join(f"-e {shlex.quote(f'{key}={found[key]}')}" for key in ("accessory", "database"))
            lines += _stack_lines(found, title, f"{stack_command} {named}", now)
        for found in volumes:
            title = f"{info['stack']}, volume {found['volume']} ({environment})"
            lines += _stack_lines(found, title, f"{stack_command} -e {shlex.quote('volume=' + found['volume'])}", now)
    return lines


def _stack_lines(info: t.Mapping[str, t.Any], title: str, command: str, now: float) -> list[str]:
    backups = info["backups"]
    lines = [f"{title}: {len(backups)} backup{'' if len(backups) == 1 else 's'} in {info['folder']}"]
    if backups:
        lines += _table(backups, now)
    usable = next((backup["name"] for backup in backups if backup["state"] != "broken"), None)
    last = info.get("last_run")
    if last:
        outcome = "succeeded" if last["ok"] else f"FAILED: {last['error']}"
        lines.append(f"  Last run, by {last['started_by']} {display.age(now - last['finished'])} ago: {outcome}")
    if info.get("interrupted_restore"):
        lines.append(
            f"  A restore of {info['interrupted_restore']} was interrupted; the next backup or restore finishes it or"
            " undoes it."
        )
    if info.get("lockout"):
        lines.append("  A lockout is active: the logins of the database are disabled.")
    names = {backup["name"] for backup in backups}
    offsite_only = [name for name in info.get("offsite", []) if name not in names]
    if "offsite" in info:
        lines.append(f"  Off-site copies: {', '.join(info['offsite']) or 'none'}")
    if usable:
        lines.append(f"  To restore one, type: {command} -e backup={usable}")
    if offsite_only:
        lines.append(f"  To restore an off-site copy, type: {command} -e backup={offsite_only[0]} -e offsite=true")
    if not usable and not offsite_only:
        lines.append(f"  To make one, type: {command.replace('restore.yml', 'backup.yml')}")
    return lines


def _table(backups: t.Iterable[t.Mapping[str, t.Any]], now: float) -> list[str]:
    rows = [("NAME", "AGE", "SIZE", "ROWS", "RELEASE", "STATE")]
    for backup in backups:
        if backup["state"] == "broken":
            rows.append((backup["name"], "", "", "", "", f"broken: {' '.join(backup['problems'])}"))
            continue
        release = "-" if backup["release"] is None else str(backup["release"])
        rows.append(
            (
                *(backup["name"], display.age(now - backup["finished"]), display.size(backup["bytes"])),
                *(str(backup["rows"]), release, display.state_of(backup)),
            )
        )
    return [f"  {line}" for line in table_lines(rows)]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"backup_list": backup_list}
