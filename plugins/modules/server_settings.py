#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_settings
short_description: Compare the settings that all environments of a server share with those of this inventory
description:
  - What the environments of a server share is in a state file there, with who set it. Another inventory that says
    something else is refused, with both values, while another environment uses that part of the server.
  - Runs as an action, which reads the variables of the roles C(proxy), C(postgres) and C(redis) with their defaults.
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
  parts:
    description:
      - The parts of the server to compare; without them those that the stacks in C(switchyard_stacks) use.
    type: list
    elements: str
    choices: [proxy, postgres, redis, networks]
    default: []
  record:
    description:
      - Whether the settings and this environment are written to the state file. Without it they are only compared.
    type: bool
    default: false
  accept_server_change:
    description:
      - Whether a value that other environments use may change.
    type: bool
    default: false
  settings:
    description:
      - The inventory's values by part and variable. Filled in by the action.
    type: dict
    default: {}
  unset:
    description:
      - Variables that the inventory does not set. Filled in by the action.
    type: list
    elements: str
    default: []
  operator:
    description:
      - Who runs the play. Filled in by the action.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Refuse to change what other environments use
  switchyard.stacks.server_settings:
    project: po
    environment: qual
    accept_server_change: "{{ accept_server_change | default(false) }}"
"""

RETURN = r"""
pending:
  description: Whether the state file lacks something of this inventory.
  returned: success
  type: bool
effects:
  description: What changes on the server, from which value to which, and what that does to which environments.
  returned: success
  type: list
  elements: str
problems:
  description: The values that other environments use, when the module fails because of them.
  returned: failure
  type: list
  elements: dict
"""

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.config import server_state
from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import PARTS, SettingsRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ProblemsFound


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": []},
            "record": {"type": "bool", "default": False},
            "accept_server_change": {"type": "bool", "default": False},
            "settings": {"type": "dict", "default": {}},
            "unset": {"type": "list", "elements": "str", "default": []},
            "operator": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        request = SettingsRequest(
            params["project"],
            params["environment"],
            params["operator"],
            time.time(),
            params["settings"],
            params["accept_server_change"],
            frozenset(params["unset"]),
        )
        planned = server_state.apply(Path(params["root"]), request, module.check_mode or not params["record"])
        if planned.problems:
            raise ProblemsFound(
                "Nothing was changed. Other environments of this server use other values", planned.problems
            )
        return module_args.to_result(server_state.result_of(planned, planned.changed and params["record"]))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
