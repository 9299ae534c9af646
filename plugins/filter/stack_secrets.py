# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of one stack of an inventory."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.module_utils.config.secrets import secrets_of

DOCUMENTATION = r"""
name: stack_secrets
short_description: The secrets of one stack of an inventory
description:
  - Returns the secrets by name, including the passwords of the shared servers. Use it with C(no_log).
options:
  _input:
    description: The list of stacks.
    type: list
    elements: dict
    required: true
  stack:
    description: Name of the stack.
    type: str
    required: true
positional: stack
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
secrets: "{{ switchyard_stacks | switchyard.stacks.stack_secrets('bookings') }}"
"""

RETURN = r"""
_value:
  description: Secrets by name.
  type: dict
"""


def stack_secrets(stacks: list[dict[str, t.Any]], stack: str) -> dict[str, str]:
    """Return the secrets of a stack. Raises AnsibleFilterError when there is no such stack."""
    for item in stacks:
        if item["name"] == stack:
            return secrets_of(item)
    raise AnsibleFilterError(f"There is no stack {stack}.")


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"stack_secrets": stack_secrets}
