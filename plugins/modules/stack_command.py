#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_command
short_description: Run a command in a running container of a stack's live release
description:
  - Finds the container by stack and service. The command runs in the first container of the live color, or of the
    worker or accessory, with its environment and user.
  - The exit code of the command decides whether the task fails.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
attributes:
  check_mode:
    support: partial
    details: Returns the container, and runs nothing.
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details: As the command.
options:
  service:
    description:
      - Name of a service of the Compose files.
    type: str
    required: true
  command:
    description:
      - The command and its arguments, with quotes as in a shell. No shell reads it; name one where you need it,
        C(sh -c "…").
      - Empty runs nothing and returns the command that opens a shell.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: List the applied migrations
  switchyard.stacks.stack_command:
    project: po
    environment: prod
    stack: bookings
    service: web
    command: python manage.py showmigrations
  register: migrations
"""

RETURN = r"""
container:
  description: Name of the container.
  returned: when there is one
  type: str
interactive:
  description: The command that opens a shell there, to be typed on the server.
  returned: when there is one
  type: str
rc:
  description: The exit code of the command.
  returned: when a command was run
  type: int
lines:
  description: What the command wrote, standard output and standard error.
  returned: when a command was run
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import live_containers


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            "service": {"type": "str", "required": True},
            "command": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        command = "" if module.check_mode else params["command"]
        done = live_containers.run_command(module_args.stack_context(module), params["service"], command)
        return {"changed": bool(params["command"]), **state_file.as_json(done)}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
