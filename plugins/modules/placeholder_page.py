#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: placeholder_page
short_description: Show a page for stacks that have no release yet
description:
  - Gives the proxy the hosts and paths of stacks that have no release yet, so that clients get status 503 and a page.
    The first release of a stack replaces them.
  - A stack that has a release does not change. A stack without a release that is not in O(stacks) any more loses its
    hosts and paths.
  - Writes the pages that the proxy shows for stacks that have no page of their own.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff shows the size of a page.
  idempotent:
    support: full
options:
  stacks:
    description:
      - All stacks of the environment that have routes, as P(switchyard.stacks.stack_routes#filter) returns them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the stack.
        type: str
        required: true
      routes:
        description:
          - Routes of the stack.
        type: list
        elements: dict
        required: true
        suboptions:
          service:
            description:
              - Name of the service.
            type: str
            required: true
          port:
            description:
              - Port that the service listens on in its container.
            type: int
            required: true
          hosts:
            description:
              - Host names.
            type: list
            elements: str
            required: true
          path:
            description:
              - Path prefix.
            type: str
            default: /
  placeholder:
    description:
      - The placeholder page, a complete HTML document.
    type: str
    required: true
  maintenance:
    description:
      - The maintenance page for stacks without a page, such as a stack whose held requests timed out.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show a page until the first release
  switchyard.stacks.placeholder_page:
    project: po
    environment: prod
    stacks: "{{ switchyard_stacks | switchyard.stacks.stack_routes }}"
    placeholder: "{{ lookup('ansible.builtin.file', 'placeholder.html') }}"
    maintenance: "{{ lookup('ansible.builtin.file', 'maintenance.html') }}"
"""

RETURN = r"""
stacks:
  description: Names of the stacks whose routes were set up.
  returned: success
  type: list
  elements: str
  sample: [bookings]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import RouteSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.maintenance import placeholder

ROUTE = {
    "service": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "path": {"type": "str", "default": "/"},
}


def main() -> None:
    stack = {
        "name": {"type": "str", "required": True},
        "routes": {"type": "list", "elements": "dict", "required": True, "options": ROUTE},
    }
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "stacks": {"type": "list", "elements": "dict", "required": True, "options": stack},
            "placeholder": {"type": "str", "required": True},
            "maintenance": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        pages = {kind: params[kind] for kind in ("placeholder", "maintenance")}
        stacks = {stack["name"]: [RouteSpec(**route) for route in stack["routes"]] for stack in params["stacks"]}
        done = placeholder.apply(module_args.host_context(module), stacks, pages, module.check_mode)
        return module_args.to_result(placeholder.result(done))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
