#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_resources
short_description: Create networks with addresses of the server's own pool, and volumes
description:
  - Creates the networks and volumes that are missing, with labels of this collection.
  - A network gets a subnet of O(pool) that overlaps neither with another network nor with a route of the server. The
    subnet is recorded in C(networks.json) in O(root), and a network that is created again gets it again.
  - A network or volume with one of the names that exists and belongs to another stack, to another environment or not
    to this collection is refused, with its owner, before anything is created.
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
  idempotent:
    support: full
options:
  pool:
    description:
      - IPv4 network of which networks get their subnets. It is recorded, and releases use it too.
    type: str
    default: 10.201.0.0/16
  networks:
    description:
      - The networks.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name on the server.
        type: str
        required: true
      role:
        description:
          - What it is for, the label C(role).
        type: str
        required: true
      stack:
        description:
          - The stack that it belongs to.
        type: str
      internal:
        description:
          - Whether containers reach nothing outside of it.
        type: bool
        default: false
      shared:
        description:
          - Whether it belongs to all environments of the project, not to O(environment).
        type: bool
        default: false
  volumes:
    description:
      - The volumes.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name on the server.
        type: str
        required: true
      role:
        description:
          - What it is for, the label C(role); none for a volume of a stack.
        type: str
      stack:
        description:
          - The stack that it belongs to.
        type: str
      shared:
        description:
          - Whether it belongs to all environments of the project, not to O(environment).
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Create the network of the ports that the proxy publishes
  switchyard.stacks.server_resources:
    project: po
    environment: prod
    pool: "{{ switchyard_network_pool }}"
    networks:
      - {name: po-proxy, role: proxy, shared: true}
"""

RETURN = r"""
created:
  description: What was created, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [network po-proxy]
subnets:
  description: The subnets of the networks that exist, by name.
  returned: success
  type: dict
  sample: {po-proxy: [10.201.0.0/26]}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import server_resources
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.address_plan import DEFAULT_POOL
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.networks import DesiredNetwork


def main() -> None:
    name = {"type": "str", "required": True}
    switch = {"type": "bool", "default": False}
    network = {"name": name, "role": name, "stack": {"type": "str"}, "internal": switch, "shared": switch}
    volume = {"name": name, "role": {"type": "str"}, "stack": {"type": "str"}, "shared": switch}
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "pool": {"type": "str", "default": DEFAULT_POOL},
            "networks": {"type": "list", "elements": "dict", "default": [], "options": network},
            "volumes": {"type": "list", "elements": "dict", "default": [], "options": volume},
        },
        supports_check_mode=True,
    )
    params = module.params

    def labels(one: dict[str, t.Any]) -> dict[str, str]:
        environment = None if one["shared"] else params["environment"]
        stack, role = one["stack"], one["role"]
        return names.labels(project=params["project"], environment=environment, stack=stack, role=role)

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        result = server_resources.ensure(
            host.engine,
            host.root,
            [DesiredNetwork(one["name"], labels(one), one["internal"]) for one in params["networks"]],
            [server_resources.DesiredVolume(one["name"], labels(one)) for one in params["volumes"]],
            params["pool"],
            module.check_mode,
        )
        after = "".join(f"{line}\n" for line in result.created)
        diff = {"before": "", "after": after, "before_header": "server", "after_header": "server"}
        return {**module_args.to_result(result), "changed": bool(result.created), "diff": diff}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
