# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is backed up, and how."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options as backup_options
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem, report

DOCUMENTATION = r"""
name: backup_jobs
short_description: What is backed up, and how
description:
  - Returns a job for each stack, with the options of M(switchyard.stacks.postgres_backup) that were given for all of
    them and for it alone.
  - An option that there is not, and a stack that there is not, is an error that names them all.
options:
  _input:
    description: Names of the stacks with a database.
    type: list
    elements: str
    required: true
  only:
    description: Names of those that are meant; without any, all.
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
positional: only, common, special
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
jobs: "{{ ['bookings', 'shop'] | switchyard.stacks.backup_jobs([], {'keep': 7}, {'shop': {'keep': 30}}) }}"
# [{"stack": "bookings", "keep": 7}, {"stack": "shop", "keep": 30}]
"""

RETURN = r"""
_value:
  description: A dictionary of options per stack.
  type: list
  elements: dict
"""

# What the role gives to all alike; a password is given apart, where no output shows it.
APART = ("backup", "password", "keep_backups", "release")


def backup_jobs(
    stacks: t.Sequence[str], only: t.Sequence[str], common: t.Mapping[str, t.Any], special: t.Mapping[str, t.Any]
) -> list[dict[str, t.Any]]:
    """Return the jobs. Raises AnsibleFilterError with all that is wrong."""
    known = {*backup_options.SERVER_OPTIONS, *backup_options.BACKUP_OPTIONS, *backup_options.HOOK_OPTIONS} - {*APART}
    found = []
    listed = ", ".join(stacks) or "none has a postgres key"
    for name in only:
        if name not in stacks:
            found.append(
                Problem("stack", f"there is no database of {name}", f"Write one of: {listed}", "stack.unknown")
            )
    given = {"backup_options": common, **{f"backup_stack_options.{name}": one for name, one in special.items()}}
    for name in sorted(set(special) - set(stacks)):
        found.append(
            Problem(
                "backup_stack_options",
                f"there is no database of {name}",
                f"Write one of: {listed}",
                "stack.unknown",
            )
        )
    for where, options in given.items():
        for key in sorted(set(options) - known):
            hint = f"Write one of: {', '.join(sorted(known))}"
            hint = "Write it in backup_passwords" if key == "password" else hint
            found.append(Problem(where, f"{key} is no option of a backup", hint, "backup.option_unknown"))
    if found:
        raise AnsibleFilterError(report(found, "Nothing was done. To be put right"))
    return [{"stack": name, **common, **special.get(name, {})} for name in stacks if not only or name in only]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"backup_jobs": backup_jobs}
