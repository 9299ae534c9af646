#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
short_description: Say which color of a stack is live and what stands on each
description:
  - Asks the running proxy and the engine, not files.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
"""

EXAMPLES = r"""
- name: Ask which color is live
  switchyard.stacks.stack_info:
    project: po
    environment: prod
    stack: bookings
  register: bookings
"""

RETURN = r"""
live:
  description: The color that the running proxy sends the public to; empty when there is none.
  returned: always
  type: str
  sample: green
routes:
  description: The stack's routes in the running proxy, host and path with the service they lead to.
  returned: always
  type: dict
  sample: {"bookings.example.org/": "web"}
availability:
  description: >-
    C(maintenance) while users get the maintenance page, C(held) while their requests wait in the proxy; null while the
    stack is available.
  returned: always
  type: str
colors:
  description: What stands on each color.
  returned: always
  type: dict
  contains:
    release:
      description: Number of the release, or empty where nothing stands.
      type: int
    in_flight:
      description: Requests that the color is answering now.
      type: int
    containers:
      description: State of each container.
      type: dict
    proxy:
      description: The proxy's own view.
      type: dict
workers:
  description: State of each worker's container.
  returned: always
  type: dict
lock:
  description: Who releases the stack now; empty when the lock is free.
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import status


def main() -> None:
    module = AnsibleModule(argument_spec=module_args.STACK_OPTIONS, supports_check_mode=True)
    module_args.run_module(module, lambda: status.stack_status(module_args.stack_context(module)))


if __name__ == "__main__":
    main()
