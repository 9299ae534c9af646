#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_info
short_description: Return what runs of an environment, a line per stack
description:
  - Asks the running proxy and the engine, and reads the records of the releases, the locks and the backups. It needs no
    inventory of stacks, so it lists also stacks that the inventory does not have any more.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
options:
  stacks:
    description:
      - Names of the stacks; empty means all of the environment with a release on this server.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Ask what runs
  switchyard.stacks.environment_info:
    project: po
    environment: prod
  register: prod
"""

RETURN = r"""
now:
  description: The server's time in seconds since the epoch.
  returned: always
  type: float
stacks:
  description: What runs of each stack.
  returned: always
  type: list
  elements: dict
  contains:
    stack:
      description: Name of the stack.
      type: str
    live:
      description: The color that serves users; null when none does.
      type: str
    release:
      description: The live release with its C(number), C(version), C(since) in seconds since the epoch, and C(holder).
      type: dict
    warm:
      description: The release that runs on the idle color, likewise; null when none does.
      type: dict
    containers:
      description: How many containers the live release has, with workers and accessories.
      type: int
    failing:
      description: Those of them that do not run or are not healthy, with their state.
      type: dict
      sample: {"po-celery-prod": "restarting"}
    availability:
      description: C(maintenance) or C(held); null while the stack is available.
      type: str
    canary:
      description: The canary with its C(release), C(version), C(weight) in percent, and whether it is C(paused).
      type: dict
    lock:
      description: The lock while the stack is being released, as M(switchyard.stacks.stack_info) returns it.
      type: dict
    backup:
      description: The newest backup of the stack's database with its C(name), its C(state) and its end, C(finished).
      type: dict
    routes:
      description: Host and path of each route.
      type: list
      elements: str
    unnamed_volumes:
      description: >-
        The volumes of accessories that the Compose files do not name, such as those that an image declares, each with
        the service and the path. They go with the stack's data.
      type: dict
      sample: {"po-shop-redis-redis-data-prod": "redis:/data"}
    certificates:
      description: >-
        The end of the proxy's certificate for each host of a route, in seconds since the epoch. Hosts without one are
        missing.
      type: dict
      sample: {"shop.example.org": 1798761600.0}
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import environment_status


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "stacks": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )

    def work() -> dict[str, object]:
        now = time.time()
        host = module_args.host_context(module)
        lines = environment_status.environment_status(host, module.params["stacks"], now)
        return {"changed": False, "now": now, "stacks": state_file.as_json(lines)}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
