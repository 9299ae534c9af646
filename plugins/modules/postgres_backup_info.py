#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_backup_info
short_description: List the backups of a stack's database
description:
  - Reads the manifests of the backups on this server. It connects neither to PostgreSQL nor to Docker.
  - Backups that cannot be used are listed too, with all their problems.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
options:
  list_offsite:
    description:
      - Whether to list the off-site copies too, which connects to their repository.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: List the backups
  switchyard.stacks.postgres_backup_info:
    project: po
    environment: prod
    stack: bookings
  register: backups

- name: Show the newest verified one
  ansible.builtin.debug:
    msg: "{{ backups.backups | selectattr('state', 'equalto', 'restored') | first }}"
"""

RETURN = r"""
backups:
  description:
    - The backups, the newest first. C(state) is V(dumped), V(read) or V(restored), and V(broken) for a backup that
      cannot be used, which has only C(name), C(state) and C(problems).
    - Times are seconds since 1970. C(verified_at) has the time of each state, C(bytes) is the size of the dump,
      C(database_bytes) that of the database, C(schema_version) the answer of the version query.
  returned: success
  type: list
  elements: dict
  sample:
    - {"name": "20261121T112315Z-0042", "state": "restored", "started": 1795260195.7, "finished": 1795260196.8,
       "release": 12, "format": "custom", "database": "bookings_prod", "database_bytes": 7993011,
       "schema_version": "0003", "bytes": 21561, "rows": 1000, "tables": 9,
       "verified_at": {"dumped": 1795260196.8, "restored": 1795260199.2}, "postgres": "17.12", "problems": []}
last_run:
  description:
    - The outcome of the last run of M(switchyard.stacks.postgres_backup) or of the timer (C(started_by)), with C(ok),
      C(started) and C(finished), the C(name) and C(state) of the backup, C(copied_offsite), and the C(error).
  returned: success
  type: dict
  sample: {"ok": true, "started_by": "timer", "started": 1795260195.7, "finished": 1795260199.2,
    "copied_offsite": true, "name": "20261121T112315Z-0042", "state": "restored", "error": null}
offsite:
  description: Names of the backups with an off-site copy, the newest first.
  returned: with O(list_offsite=true)
  type: list
  elements: str
  sample: [20261121T112315Z-0042]
unfinished:
  description: Incomplete folders that an interrupted run left. The next backup removes them.
  returned: success
  type: list
  elements: str
  sample: []
interrupted_restore:
  description: Name of the backup whose restore was interrupted. The next backup or restore finishes or undoes it.
  returned: success
  type: str
  sample: 20261121T112315Z-0042
lockout:
  description: The active lockout of the database, with its C(id), C(since) and the disabled C(logins).
  returned: success
  type: dict
  sample: {"id": "1f0a", "database": "bookings_prod", "logins": ["bookings_prod"], "since": 1795260195.7}
accessories:
  description: >-
    The same of each database in an accessory that has backups, with C(accessory) and C(database).
  returned: success
  type: list
  elements: dict
  sample: [{"accessory": "db", "database": "shop", "backups": [], "last_run": null, "unfinished": []}]
volumes:
  description: The same of each volume that has backups, with C(volume).
  returned: success
  type: list
  elements: dict
  sample: [{"volume": "uploads", "backups": [], "last_run": null, "unfinished": []}]
stack:
  description: Name of the stack.
  returned: success
  type: str
  sample: bookings
folder:
  description: Folder of the backups on the server.
  returned: success
  type: str
  sample: /var/lib/switchyard/backups/po-prod/bookings
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, store_info

SPEC = {**module_args.STACK_OPTIONS, "list_offsite": {"type": "bool", "default": False}}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params

    def work() -> dict[str, object]:
        store = options.store_of(params)
        repository = options.offsite_repository(params) if params["list_offsite"] else None
        return {
            "changed": False,
            "stack": params["stack"],
            **state_file.as_json(store_info.info(store, params["stack"], repository)),
            "accessories": state_file.as_json(store_info.of_accessories(store, params["stack"], repository)),
            "volumes": state_file.as_json(store_info.of_volumes(store, params["stack"], repository)),
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
