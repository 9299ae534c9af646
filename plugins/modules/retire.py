#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: retire
short_description: Remove stacks, or a whole environment, from a server
description:
  - The proxy stops sending requests to a stack, requests in flight finish, and the proxy forgets the stack. Then its
    containers, networks, pages, and the records and secrets of its releases are removed.
  - A whole environment loses its networks as well. The proxy and its folder are removed with the last environment of
    the project on the server. A proxy that other environments use is kept, and keeps all their connections.
  - Data is retained and named in the result. Databases and logins in the shared PostgreSQL, and users and database
    numbers in the shared Redis, are always retained.
  - Fails while a release of one of the stacks holds its lock. No release of them can begin while this module runs.
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
  stacks:
    description:
      - Names of the stacks; empty means the whole environment. A stack that has nothing on the server is not an error.
    type: list
    elements: str
    default: []
  remove_data:
    description:
      - Whether to remove volumes, and files in a stack's folder that releases did not write. They cannot be restored.
    type: bool
    default: false
  lock_holder:
    description:
      - Holder of the stacks' locks, as shown to a user who starts a release at the same time.
    type: str
    default: retire.yml
"""

EXAMPLES = r"""
- name: Remove one stack and retain its data
  switchyard.stacks.retire:
    project: po
    environment: qual
    stacks: [bookings]

- name: Remove the whole environment, with the volumes of its stacks
  switchyard.stacks.retire:
    project: po
    environment: qual
    remove_data: true
"""

RETURN = r"""
stacks:
  description: Names of the stacks that were removed.
  returned: success
  type: list
  elements: str
  sample: [bookings]
known_stacks:
  description: Names of all stacks of the environment that had anything on the server.
  returned: success
  type: list
  elements: str
  sample: [bookings]
removed:
  description: What was removed, one line each.
  returned: success
  type: list
  elements: str
  sample: [container po-bookings-web-qual-blue, network po-bookings-default-qual]
retained:
  description: What was retained although it belongs to the stacks, one sentence each, with the reason.
  returned: success
  type: list
  elements: str
  sample: [the volume po-media-qual (-e remove_data=true removes it)]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import execute


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "stacks": {"type": "list", "elements": "str", "default": []},
            "remove_data": {"type": "bool", "default": False},
            "lock_holder": {"type": "str", "default": "retire.yml"},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        scan_and_plan = execute.execute(
            host, params["stacks"], params["remove_data"], params["lock_holder"], module.check_mode
        )
        return module_args.to_result(execute.result(host, *scan_and_plan))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
