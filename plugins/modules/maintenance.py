#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance
short_description: Close stacks with a page, or open them again, and prove it
description:
  - A closed stack answers everybody with status 503 and its page. Who has the key of the private way in, or comes
    from an address that the role C(switchyard.stacks.proxy) was told of, still reaches the application.
  - Requests through the public way in, without the key, prove it. When the proof fails, everything is as before.
  - It lasts until it is turned off, also when the proxy restarts. Releases work meanwhile.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
attributes:
  check_mode:
    support: full
    details: Nothing is asked through the public way in in check mode.
  diff_mode:
    support: full
    details: Of a page its size and digest are shown.
  idempotent:
    support: full
options:
  state:
    description:
      - Whether the stacks are closed.
    type: str
    choices: ["on", "off"]
    required: true
  stacks:
    description:
      - Names of the stacks. Without any, all stacks of the environment that the proxy knows are meant.
    type: list
    elements: str
    default: []
  page:
    description:
      - The page, a whole HTML document that needs no other file. Needed with O(state=on).
    type: str
"""

EXAMPLES = r"""
- name: Close the whole environment
  switchyard.stacks.maintenance:
    project: po
    environment: prod
    state: "on"
    page: "{{ lookup('ansible.builtin.file', 'closed.html') }}"

- name: Open one stack
  switchyard.stacks.maintenance:
    project: po
    environment: prod
    stacks: [bookings]
    state: "off"
"""

RETURN = r"""
stacks:
  description: Names of the stacks that were meant.
  returned: success
  type: list
  elements: str
  sample: [bookings]
requests:
  description: How many requests the proof took.
  returned: success
  type: int
  sample: 1
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.maintenance import mode


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "state": {"type": "str", "choices": ["on", "off"], "required": True},
            "stacks": {"type": "list", "elements": "str", "default": []},
            "page": {"type": "str"},
        },
        required_if=[("state", "on", ("page",))],
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        page = params["page"] if params["state"] == "on" else None
        if params["state"] == "on" and not page:
            raise SwitchyardError("page: there is nothing in it. Write a whole HTML document.")
        return mode.result(host, mode.set_maintenance(host, params["stacks"], page, module.check_mode))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
