#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: canary
short_description: Let a share of the clients try a release
description:
  - Gives the color that is not live a percentage of a stack's clients, for some seconds. The health and smoke gates
    hold before the first share; afterwards the color's containers are watched.
  - A client keeps the color it got while the share grows. M(switchyard.stacks.bluegreen) ends a canary with the
    switch.
  - When it fails, the share is still to be taken back, with M(switchyard.stacks.release_finish).
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
  - switchyard.stacks.context.step
attributes:
  check_mode:
    support: none
    details: There is no release to try in check mode.
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
      - How long the color is watched with this share before the module ends.
    type: float
    default: 0
  number:
    description:
      - Which step of the release's canary this is, for its record; M(switchyard.stacks.release_prepare) returns it.
    type: int
    default: 1
"""

EXAMPLES = r"""
- name: Let one of twenty clients try it for a minute
  switchyard.stacks.canary:
    project: po
    environment: prod
    stack: bookings
    release: "{{ prepared.release }}"
    token: "{{ prepared.token }}"
    percent: 5
    seconds: 60
"""

RETURN = r"""
before:
  description: Percentage of the clients that had the color before.
  returned: success
  type: int
  sample: 0
after:
  description: Percentage of the clients that have it now, as the running proxy says.
  returned: success
  type: int
  sample: 5
gate_seconds:
  description: Seconds until the health and smoke gates held; 0 where the color had a share already.
  returned: success
  type: float
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.config.canary_steps import CanaryStep
from ansible_collections.switchyard.stacks.plugins.module_utils.release import canary


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STEP_OPTIONS,
            "percent": {"type": "int", "required": True},
            "seconds": {"type": "float", "default": 0},
            "number": {"type": "int", "default": 1},
        },
    )
    params = module.params
    if not 0 < params["percent"] < 100:
        module.fail_json(msg=f"percent is {params['percent']}: write a number from 1 to 99.")

    def work() -> dict[str, object]:
        step = CanaryStep(params["number"], params["percent"], params["seconds"])
        return {
            "changed": True,
            **canary.run_canary_step(module_args.stack_context(module), params["release"], params["token"], step),
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
