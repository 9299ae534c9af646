#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen
short_description: Switch a stack to a color, after its gates, and confirm the switch
description:
  - Waits until the color is healthy, runs the smoke checks, switches all routes of the stack in one step and confirms
    the switch with requests through the proxy.
  - When a gate fails, the live color does not change. When the switch is not confirmed, it is reverted.
  - Does nothing when the color is live already. Fails while a release of the stack runs.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
attributes:
  check_mode:
    support: full
    details: The gates do not run in check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  color:
    description:
      - The color to make live.
    type: str
    choices: [blue, green]
    required: true
  release:
    description:
      - Number of the release on the color; by default the one in the labels of its containers.
    type: int
  drain:
    description:
      - Seconds to wait after the switch for the other color to answer its last request. V(0) does not wait; the old
        color keeps running and finishes its requests either way.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Switch to green
  switchyard.stacks.bluegreen:
    project: po
    environment: prod
    stack: bookings
    color: green
"""

RETURN = r"""
color_before:
  description: The color that was live before; empty when there was none.
  returned: always
  type: str
  sample: blue
color_after:
  description: The color that is live now.
  returned: always
  type: str
  sample: green
gate_seconds:
  description: Seconds until the health and smoke gates passed.
  returned: when not in check mode
  type: float
switch_seconds:
  description: Seconds from the command until every route answered with the color.
  returned: when not in check mode
  type: float
  sample: 0.021
requests:
  description: How many requests confirmed the switch.
  returned: when not in check mode
  type: int
old_in_flight:
  description: Requests that the other color still answered when the module ended.
  returned: when not in check mode
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import switch


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            "color": {"type": "str", "choices": ["blue", "green"], "required": True},
            "release": {"type": "int"},
            "drain": {"type": "float", "default": 0},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        ctx = module_args.stack_context(module)
        if module.check_mode:
            return module_args.to_result(switch.preview(ctx, params["color"]))
        return module_args.to_result(switch.switch(ctx, params["color"], params["release"], params["drain"]))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
