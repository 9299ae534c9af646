#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_logs
short_description: Return log lines of a stack's containers
description:
  - Finds the containers by stack and service, so that no name of a container has to be known.
  - Shows the live color, the workers and the accessories unless O(color) names another color.
  - Shows the requests of the stack from the log of the proxy as well, each with the release that answered.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
options:
  service:
    description:
      - Name of a service of the Compose files; by default all services.
    type: str
  color:
    description:
      - V(blue) or V(green); by default the live color.
    type: str
    choices: [blue, green]
  since:
    description:
      - How far back, as a number with V(s), V(m), V(h) or V(d), for example V(10m).
    type: str
    default: 10m
  lines:
    description:
      - The most lines of each container, the newest.
    type: int
    default: 200
"""

EXAMPLES = r"""
- name: Read the last ten minutes of the web service
  switchyard.stacks.stack_logs:
    project: po
    environment: prod
    stack: bookings
    service: web
  register: web
"""

RETURN = r"""
containers:
  description:
    - The containers and their lines, the oldest line first, each with its time as the engine received it.
    - The last item is the access log of the proxy, C(requests of <project>.<stack>.<environment>).
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the container.
      type: str
    state:
      description: Its state, as the engine reports it.
      type: str
    lines:
      description: The lines.
      type: list
      elements: str
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import live_containers


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            "service": {"type": "str"},
            "color": {"type": "str", "choices": ["blue", "green"]},
            "since": {"type": "str", "default": "10m"},
            "lines": {"type": "int", "default": 200},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        ctx = module_args.stack_context(module)
        since = time.time() - live_containers.parse_duration(params["since"])
        logs = live_containers.read_logs(ctx, params["service"], params["color"], since, params["lines"])
        return {"changed": False, "containers": state_file.as_json(logs)}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
