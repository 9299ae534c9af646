#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: retire
short_description: Take stacks, or a whole environment, off a server
description:
  - The public leaves first, requests in flight end, the proxy forgets the stack and says so; then containers, networks,
    pages, records and secrets of its releases go.
  - Of a whole environment its networks go as well, and the proxy with its folder where no other environment of the
    project is left on the server. A proxy that others need stays, with every connection of theirs.
  - Data stays, and is named in the result. Databases, logins and numbers in the shared PostgreSQL and Redis stay in any
    case.
  - Refuses while a release of one of the stacks is under way, and lets none begin meanwhile.
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
      - Names of the stacks. Without any, the whole environment is meant. A stack of which nothing stands is no error.
    type: list
    elements: str
    default: []
  data:
    description:
      - V(keep) leaves volumes, and what lies in a stack's folder beside its releases. V(remove) removes them for good.
    type: str
    choices: [keep, remove]
    default: keep
  holder:
    description:
      - Who does this, as somebody is told who wants to release meanwhile.
    type: str
    default: retire.yml
"""

EXAMPLES = r"""
- name: Take one stack off, and keep its data
  switchyard.stacks.retire:
    project: po
    environment: qual
    stacks: [bookings]

- name: Take the whole environment off, with the volumes of its stacks
  switchyard.stacks.retire:
    project: po
    environment: qual
    data: remove
"""

RETURN = r"""
stacks:
  description: Names of the stacks that went.
  returned: success
  type: list
  elements: str
  sample: [bookings]
known:
  description: Names of all stacks of the environment of which anything stood.
  returned: success
  type: list
  elements: str
  sample: [bookings]
gone:
  description: What went, a sentence each.
  returned: success
  type: list
  elements: str
  sample: [container po-web-qual-blue, network po-bookings-qual]
kept:
  description: What stays although it was the stacks', a sentence each.
  returned: success
  type: list
  elements: str
  sample: [the volume po-media-qual (-e data=remove removes it)]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import execute


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "stacks": {"type": "list", "elements": "str", "default": []},
            "data": {"type": "str", "choices": ["keep", "remove"], "default": "keep"},
            "holder": {"type": "str", "default": "retire.yml"},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        server = module_args.host_context(module)
        remove = params["data"] == "remove"
        done = execute.execute(server, params["stacks"], remove, params["holder"], module.check_mode)
        return execute.result(server, *done)

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
