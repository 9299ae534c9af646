#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: canary
short_description: Send a percentage of the clients to the idle color
description:
  - Sends a percentage of a stack's clients to the idle color for some seconds. The health and smoke gates run before
    the first step; afterwards the module watches the color's containers, and with C(watch) in the stack its requests.
  - A client keeps its color while the percentage grows. M(switchyard.stacks.bluegreen) ends a canary with the switch,
    and C(rollback.yml) cancels it.
  - M(switchyard.stacks.release) runs the steps of a stack's own canary. This module fails while a release runs.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
attributes:
  check_mode:
    support: none
    details: Only requests to the color show whether its gates pass.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call waits for its seconds.
options:
  percent:
    description:
      - Percentage of the clients, from 1 to 99.
    type: int
    required: true
  seconds:
    description:
      - How long the module watches the color at this percentage.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Send one of twenty clients to the idle color for a minute
  switchyard.stacks.canary:
    project: po
    environment: prod
    stack: bookings
    percent: 5
    seconds: 60
"""

RETURN = r"""
percent_before:
  description: Percentage of the clients that had the color before.
  returned: success
  type: int
  sample: 0
percent_after:
  description: Percentage of the clients that have it now, as the running proxy reports.
  returned: success
  type: int
  sample: 5
gate_seconds:
  description: Seconds until the health and smoke gates passed; 0 when the color had clients already.
  returned: success
  type: float
watched:
  description: What the watch gate says, with its figures; empty without C(watch) in the stack.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, names
from ansible_collections.switchyard.stacks.plugins.module_utils.config.canary_steps import CanaryStep
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import canary


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            "percent": {"type": "int", "required": True},
            "seconds": {"type": "float", "default": 0},
        },
    )
    params = module.params
    if not 0 < params["percent"] < 100:
        module.fail_json(msg=f"percent is {params['percent']}: write a number from 1 to 99.")

    def work() -> dict[str, object]:
        step = CanaryStep(1, params["percent"], params["seconds"])
        ctx = module_args.stack_context(module)
        live = ctx.live()
        if not live:
            raise SwitchyardError("No color is live, so there are no clients to share.", hint="Run deploy.yml.")
        number = ctx.release_on(names.other(live)) or 0
        return module_args.to_result(canary.run_canary_step(ctx, number, None, step))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
