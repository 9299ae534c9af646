# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter playbook_command: the command to type for a playbook of this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils.playbook_command import playbook_command

DOCUMENTATION = r"""
name: playbook_command
short_description: The command to type for a playbook of this collection
description:
  - Returns the command that starts a playbook of this collection as the running one was started, by its full name or
    by the path of its file, with the same inventories and the same options for passwords.
options:
  _input:
    description: Name of the playbook, without its extension.
    type: str
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
msg: "To go back, type {{ 'rollback' | switchyard.stacks.playbook_command }}"
# To go back, type ansible-playbook switchyard.stacks.rollback -i inventories/prod
"""

RETURN = r"""
_value:
  description: The command.
  type: str
"""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"playbook_command": playbook_command}
