#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: maintenance
short_description: Turn maintenance on or off, and verify it
description:
  - A stack in maintenance answers clients with status 503 and a page. Requests with a preview key, and requests from
    the addresses in C(proxy_bypass_ips) of the role P(switchyard.stacks.proxy#role), still reach the application.
  - Requests through the proxy, without a preview key, verify the change. When the verification fails, the earlier state
    is restored.
  - Maintenance stays on until it is turned off, also when the proxy restarts. Releases work during maintenance.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
attributes:
  check_mode:
    support: full
    details: Check mode sends no request through the proxy.
  diff_mode:
    support: full
    details: The diff shows the size and digest of a page.
  idempotent:
    support: full
options:
  state:
    description:
      - Whether maintenance is on.
    type: str
    choices: ["on", "off"]
    required: true
  stacks:
    description:
      - Names of the stacks; empty means all stacks of the environment that the proxy knows.
    type: list
    elements: str
    default: []
  page:
    description:
      - The maintenance page, a complete HTML document that needs no other file. Required with O(state=on).
    type: str
"""

EXAMPLES = r"""
- name: Turn maintenance on for the whole environment
  switchyard.stacks.maintenance:
    project: po
    environment: prod
    state: "on"
    page: "{{ lookup('ansible.builtin.file', 'maintenance.html') }}"

- name: Turn maintenance off for one stack
  switchyard.stacks.maintenance:
    project: po
    environment: prod
    stacks: [bookings]
    state: "off"
"""

RETURN = r"""
stacks:
  description: Names of the stacks that were selected.
  returned: success
  type: list
  elements: str
  sample: [bookings]
requests:
  description: Number of requests that verified the change.
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
            raise SwitchyardError("page is empty. Write a complete HTML document.")
        done = mode.set_maintenance(host, params["stacks"], page, module.check_mode)
        return module_args.to_result(mode.result(host, done))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
