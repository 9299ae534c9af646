#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen
short_description: Send the public to a color of a stack, after its gates, and prove it
description:
  - Waits until the color is healthy, asks what the smoke checks ask, switches all routes of the stack in one step and
    proves it with requests through the proxy.
  - When a gate does not hold, nothing has moved. When the proof fails, traffic is back where it was.
  - A color that is live already is left as it is.
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
    details: The gates are not asked in check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  color:
    description:
      - The color that shall be live.
    type: str
    choices: [blue, green]
    required: true
  release:
    description:
      - Number of the release that stands on the color; by default the one that its containers name.
    type: int
  token:
    description:
      - Fencing token of the lock, within a release. Without it the module refuses while a release is under way.
    type: int
  record:
    description:
      - Whether to record the release and give its lock back in the same visit, as M(switchyard.stacks.release_finish)
        does. For releases without workers. Needs O(release) and O(token).
    type: bool
    default: false
  before:
    description:
      - Number of the release that was live before, for the record.
    type: int
  drain:
    description:
      - Seconds to wait after the switch for the other color to answer its last request. V(0) does not wait; the old
        color stays warm and finishes its requests either way.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Send the public to green
  switchyard.stacks.bluegreen:
    project: po
    environment: prod
    stack: bookings
    color: green
"""

RETURN = r"""
before:
  description: The color that was live before; empty when there was none.
  returned: always
  type: str
  sample: blue
after:
  description: The color that is live now.
  returned: always
  type: str
  sample: green
gate_seconds:
  description: Seconds until the health and smoke gates held.
  returned: when not in check mode
  type: float
switch_seconds:
  description: Seconds from the command to the proof that every route answers with the color.
  returned: when not in check mode
  type: float
  sample: 0.021
requests:
  description: How many requests the proof took.
  returned: when not in check mode
  type: int
cut_off:
  description: Connections of the color before that were closed, with O(record=true) where that color does not stay.
  returned: when not in check mode
  type: int
old_in_flight:
  description: Requests that the other color still answered when the module ended.
  returned: when not in check mode
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import finish, switch


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            "color": {"type": "str", "choices": ["blue", "green"], "required": True},
            "release": {"type": "int"},
            "token": {"type": "int", "no_log": False},
            "record": {"type": "bool", "default": False},
            "before": {"type": "int"},
            "drain": {"type": "float", "default": 0},
        },
        required_if=[("record", True, ("release", "token"))],
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        ctx = module_args.stack_context(module)
        if module.check_mode:
            return switch.result(ctx, switch.plan_switch(ctx, params["color"]))
        done = switch.switch(ctx, params["color"], params["release"], params["token"], params["drain"])
        cut_off = 0
        if params["record"]:
            cut_off = finish.finish(ctx, params["release"], params["before"], params["token"])
        return {
            **switch.result(ctx, done.plan),
            "gate_seconds": round(done.gate_seconds, 3),
            "switch_seconds": round(done.switch_seconds, 3),
            "requests": done.asked,
            "old_in_flight": done.old_in_flight,
            "cut_off": cut_off,
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
