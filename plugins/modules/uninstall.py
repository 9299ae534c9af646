#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: uninstall
short_description: Remove an environment with everything that only it uses from a server
description:
  - Removes all stacks of the environment as M(switchyard.stacks.retire) does, and the timers of its backups. When no
    other environment of the project needs them, the proxy, PostgreSQL and Redis are removed as well.
  - Removes data, keys and backups only when asked for.
  - What another environment, another project or a foreign container uses is retained, and is returned with its user.
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
  remove_data:
    description:
      - Whether to remove volumes, databases, the writable folders of stacks, and the keys of shared servers.
    type: bool
    default: false
  remove_backups:
    description:
      - Whether to remove the backups of the environment on this server. Off-site copies are never removed.
    type: bool
    default: false
  stacks:
    description:
      - Stacks of the inventory. A database on the shared PostgreSQL is found by the name of its stack.
    type: list
    elements: str
    default: []
  lock_holder:
    description:
      - Holder of the stacks' locks, as shown to a user who starts a release at the same time.
    type: str
    default: uninstall.yml
"""

EXAMPLES = r"""
- name: Find what would be removed
  switchyard.stacks.uninstall:
    project: po
    environment: qual
  check_mode: true

- name: Remove everything but the backups
  switchyard.stacks.uninstall:
    project: po
    environment: qual
    remove_data: true
"""

RETURN = r"""
removed:
  description: What was removed, one line each.
  returned: success
  type: list
  elements: str
  sample: [container po-proxy, network po-front-qual, unit switchyard-backup-po-qual.timer]
retained:
  description: What was retained although it belongs to the project, one sentence each, with the reason.
  returned: success
  type: list
  elements: str
  sample: [the volume po-postgres (-e remove_data=true removes it)]
others:
  description: Other environments of the project that use the proxy, PostgreSQL or Redis of this server.
  returned: success
  type: list
  elements: str
  sample: [prod]
last_backup:
  description: What a backup has to hold before O(remove_data=true) removes it; only what exists on the server.
  returned: success
  type: dict
  contains:
    stacks:
      description: Stacks with a database on the shared PostgreSQL.
      type: list
      elements: str
    accessory_stacks:
      description: Stacks with PostgreSQL in an accessory.
      type: list
      elements: str
    volumes:
      description: Volumes in C(backup_volumes) of the newest releases, as options of a backup.
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import uninstall


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "remove_data": {"type": "bool", "default": False},
            "remove_backups": {"type": "bool", "default": False},
            "stacks": {"type": "list", "elements": "str", "default": []},
            "lock_holder": {"type": "str", "default": "uninstall.yml"},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        request = (params["remove_data"], params["remove_backups"], params["lock_holder"])
        return module_args.to_result(uninstall.uninstall(host, *request, module.check_mode, params["stacks"]))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
