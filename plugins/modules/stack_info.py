#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
short_description: Return the live color, the releases, the lock and the canary of a stack
description:
  - Reads the running proxy and the engine, and for lock and history the files of the releases.
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
  description: The color that serves users; null when none does.
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
  description: The state of each color.
  returned: always
  type: dict
  contains:
    release:
      description: Number of the release; null for an empty color.
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
volumes:
  description: The stack's volumes, each with the containers that use it; those that an image declares are among them.
  returned: always
  type: dict
folders:
  description: The writable folders of the Compose files, which releases keep in C(data) of the stack's folder.
  returned: always
  type: list
  elements: str
lock:
  description: The lock of the stack with the name of its C(holder); null while it is free.
  returned: always
  type: dict
  contains:
    since:
      description: When the release began, in seconds since the epoch.
      type: float
    step:
      description: The step of the release.
      type: str
    until:
      description: When the lock expires unless its holder renews it, in seconds since the epoch.
      type: float
    stale:
      description: Whether it has expired, so that the next run takes it over.
      type: bool
    token:
      description: The fencing token of the holder.
      type: int
canary:
  description: The release on the idle color while it serves a share of the clients; null otherwise.
  returned: always
  type: dict
  contains:
    release:
      description: Number of the release; null without a record.
      type: int
    version:
      description: The tags of the images of its routed services; null without a record.
      type: str
    weight:
      description: Percent of the clients that it serves.
      type: int
    step:
      description: How many steps of the canary are finished.
      type: int
    paused:
      description: Whether it waits for an operator.
      type: bool
history:
  description: The releases whose records the server keeps, the newest first.
  returned: always
  type: list
  elements: dict
  contains:
    number:
      description: Number of the release.
      type: int
    color:
      description: Its color.
      type: str
    state:
      description: V(prepared), V(paused), V(live), V(superseded) or V(failed).
      type: str
    started:
      description: When it began, in seconds since the epoch.
      type: float
    finished:
      description: When it ended; null while it runs.
      type: float
    previous:
      description: Number of the release that was live before.
      type: int
    lock_holder:
      description: Who released it.
      type: str
    allow:
      description: What the stack allowed its services to reach outside of their containers.
      type: dict
      sample: {"web": ["docker_socket"]}
    proven:
      description: Whether its watch gate found it good.
      type: bool
    images:
      description: The pinned name of each image by its name in the Compose files, which has the version.
      type: dict
    backup:
      description: Name of the backup from before its migration.
      type: str
    reason:
      description: Why it failed or was reverted.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import status


def main() -> None:
    module = AnsibleModule(argument_spec=module_args.STACK_OPTIONS, supports_check_mode=True)
    module_args.run_module(
        module, lambda: {"changed": False, **state_file.as_json(status.stack_status(module_args.stack_context(module)))}
    )


if __name__ == "__main__":
    main()
