# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups to make, with their options, for the role backup."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options as backup_options
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem, report

DOCUMENTATION = r"""
name: stack_backups
short_description: The backups to make, with their options
description:
  - Returns the options of M(switchyard.stacks.postgres_backup) for each stack, from those of all stacks and those of
    the one.
  - An unknown option or stack is an error, which names all of them.
options:
  _input:
    description: Names of the stacks with a database.
    type: list
    elements: str
    required: true
  selected:
    description: Names of the stacks to back up; all if empty.
    type: list
    elements: str
    required: true
  common:
    description: Options for all stacks.
    type: dict
    required: true
  special:
    description: Options by stack, which win.
    type: dict
    required: true
  accessory_stacks:
    description: Names of the stacks with accessories.
    type: list
    elements: str
  volume_stacks:
    description: Names of the stacks with volumes to back up; they may be selected, and have no database.
    type: list
    elements: str
  databases:
    description:
      - What M(switchyard.stacks.backup_databases_info) lists. If unset, the database of each stack on the shared
        server, and with C(accessory=*) all databases in the accessories of each stack.
    type: list
    elements: dict
positional: selected, common, special, accessory_stacks, volume_stacks, databases
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
backups: "{{ ['bookings', 'shop'] | switchyard.stacks.stack_backups([], {'keep': 7}, {'shop': {'keep': 30}}) }}"
# [{"stack": "bookings", "keep": 7}, {"stack": "shop", "keep": 30}]
"""

RETURN = r"""
_value:
  description: A dictionary of options per database.
  type: list
  elements: dict
"""

# The role sets these itself; a password is passed apart, where no output shows it.
SET_BY_ROLE = {"accessory", "backup", "password", "keep_names", "release"}


def stack_backups(
    stacks: t.Sequence[str],
    selected: t.Sequence[str],
    common: t.Mapping[str, t.Any],
    special: t.Mapping[str, t.Any],
    accessory_stacks: t.Sequence[str] = (),
    volume_stacks: t.Sequence[str] = (),
    databases: t.Sequence[t.Mapping[str, str]] | None = None,
) -> list[dict[str, t.Any]]:
    """Return the options of each stack's or database's backup. Raises AnsibleFilterError with all problems."""
    known = {*backup_options.SERVER_OPTIONS, *backup_options.BACKUP_OPTIONS, *backup_options.RUN_OPTIONS} - SET_BY_ROLE
    every = list(dict.fromkeys([*stacks, *accessory_stacks, *volume_stacks]))
    stacks_hint = f"Use one of: {', '.join(every) or 'none, no stack has postgres or accessories'}"
    unknown = [("stack", name) for name in selected if name not in every]
    unknown += [("backup_stack_options", name) for name in sorted(set(special) - set(every))]
    problems = [
        Problem(where, f"the stack {name} has no database", stacks_hint, "stack.unknown") for where, name in unknown
    ]
    sources = {"backup_options": common, **{f"backup_stack_options.{name}": value for name, value in special.items()}}
    for where, options in sources.items():
        for key in sorted(set(options) - known):
            hint = "Set it in backup_passwords" if key == "password" else f"Use one of: {', '.join(sorted(known))}"
            problems.append(Problem(where, f"{key} is not an option of a backup", hint, "backup.option_unknown"))
    if problems:
        raise AnsibleFilterError(report(problems, "Nothing was changed. Problems"))
    if databases is None:
        of_accessories = [{"stack": name, "accessory": backup_options.ANY_ACCESSORY} for name in accessory_stacks]
        all_sources = [*({"stack": name} for name in stacks), *of_accessories]
        databases = [source for source in all_sources if not selected or source["stack"] in selected]
    return [_options(source, {**common, **special.get(source["stack"], {})}) for source in databases]


def _options(source: t.Mapping[str, str], options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the options of one backup; those of an external server are not for an accessory."""
    if "accessory" in source:
        options = {key: value for key, value in options.items() if key not in backup_options.SERVER_OPTIONS}
    return {**options, **source}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"stack_backups": stack_backups}
