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
positional: selected, common, special
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
backups: "{{ ['bookings', 'shop'] | switchyard.stacks.stack_backups([], {'keep': 7}, {'shop': {'keep': 30}}) }}"
# [{"stack": "bookings", "keep": 7}, {"stack": "shop", "keep": 30}]
"""

RETURN = r"""
_value:
  description: A dictionary of options per stack.
  type: list
  elements: dict
"""

# The role sets these itself; a password is passed apart, where no output shows it.
SET_BY_ROLE = {"backup", "password", "keep_names", "release"}


def stack_backups(
    stacks: t.Sequence[str], selected: t.Sequence[str], common: t.Mapping[str, t.Any], special: t.Mapping[str, t.Any]
) -> list[dict[str, t.Any]]:
    """Return the options of each stack's backup. Raises AnsibleFilterError with all problems."""
    known = {*backup_options.SERVER_OPTIONS, *backup_options.BACKUP_OPTIONS, *backup_options.RUN_OPTIONS} - SET_BY_ROLE
    stacks_hint = f"Use one of: {', '.join(stacks) or 'none, no stack has a postgres key'}"
    unknown = [("stack", name) for name in selected if name not in stacks]
    unknown += [("backup_stack_options", name) for name in sorted(set(special) - set(stacks))]
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
    return [{"stack": name, **common, **special.get(name, {})} for name in stacks if not selected or name in selected]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"stack_backups": stack_backups}
