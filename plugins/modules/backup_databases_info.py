#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_databases_info
short_description: The databases of stacks that can be backed up
description:
  - Lists the databases of stacks on the shared PostgreSQL server, and those in their accessories with PostgreSQL.
  - An accessory is recognised by its image, or named by the stack's key C(postgres.accessory). Its databases are all
    except templates, or those of C(postgres.databases).
  - It fails when there is no database, and when an accessory does not answer.
extends_documentation_fragment:
  - switchyard.stacks.context
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
options:
  stacks:
    description: Names of the stacks with a database on the shared server.
    type: list
    elements: str
    default: []
  accessory_stacks:
    description: Names of the stacks with accessories.
    type: list
    elements: str
    default: []
  required:
    description: Whether it is an error when there is no database.
    type: bool
    default: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
- name: List the databases
  switchyard.stacks.backup_databases_info:
    project: po
    environment: prod
    accessory_stacks: [shop]
"""

RETURN = r"""
databases:
  description: The databases, each with its C(stack), and of an accessory C(accessory) and C(database).
  returned: success
  type: list
  elements: dict
  sample: [{"stack": "shop", "accessory": "db", "database": "shop"}]
problems:
  description: What is wrong, each with C(where), C(message), C(hint) and the stable C(code).
  returned: when there are problems
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.release import backup_sources


def main() -> None:
    names = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "stacks": names,
            "accessory_stacks": names,
            "required": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        # Without accessories, the names are all that is needed, and no engine is asked.
        asked = (params["stacks"], params["accessory_stacks"], params["required"])
        found = backup_sources.databases_of_stacks(Engine, params, *asked)
        return {"changed": False, "databases": [source.as_dict() for source in found]}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
