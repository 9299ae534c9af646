#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_backup_info
short_description: List the backups of a stack's database
description:
  - Reads the manifests of the backups on this server. Neither PostgreSQL nor Docker is asked.
  - Backups that cannot be used are listed too, with all that is wrong with them.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
options:
  copies:
    description:
      - Also lists the copies off the server, which are asked for where they are.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Which backups are there
  switchyard.stacks.postgres_backup_info:
    project: po
    environment: prod
    stack: bookings
  register: backups

- name: Show the last one that was verified
  ansible.builtin.debug:
    msg: "{{ backups.backups | selectattr('state', 'equalto', 'restored') | first }}"
"""

RETURN = r"""
backups:
  description:
    - The backups, the newest first. C(state) is V(dumped), V(read) or V(restored), and V(broken) of one that cannot be
      used, of which only C(name) and C(problems) are told.
    - Times are seconds since 1970, C(proved) has when each state was reached, C(bytes) is the size of the dump and
      C(database_bytes) that of the database, C(answer) what the version query answered.
  returned: success
  type: list
  elements: dict
  sample:
    - {"name": "20261121T112315Z-0042", "state": "restored", "started": 1795260195.7, "finished": 1795260196.8,
       "release": 12, "format": "custom", "database": "bookings_prod", "database_bytes": 7993011, "answer": "0003",
       "bytes": 21561, "rows": 1000, "tables": 9, "proved": {"dumped": 1795260196.8, "restored": 1795260199.2},
       "postgres": "17.12", "problems": []}
last:
  description:
    - What the last run came to, of M(switchyard.stacks.postgres_backup) or of the timer (C(by)), with C(ok), C(started)
      and C(finished), the C(name) and C(state) of the backup, whether it was C(copied), and the C(error).
  returned: success
  type: dict
  sample: {"ok": true, "by": "timer", "started": 1795260195.7, "finished": 1795260199.2, "copied": true,
    "name": "20261121T112315Z-0042", "state": "restored", "error": null}
copies:
  description: Names of the backups of which there is a copy off the server, the newest first.
  returned: with O(copies)
  type: list
  elements: str
  sample: [20261121T112315Z-0042]
unfinished:
  description: Folders that a killed run left half written. The next backup removes them.
  returned: success
  type: list
  elements: str
  sample: []
restoring:
  description: Name of the backup whose restore was killed. The next backup or restore brings that to an end.
  returned: success
  type: str
  sample: 20261121T112315Z-0042
fence:
  description: The fence around the database, with its C(id), C(since) and the C(logins) that it keeps out.
  returned: success
  type: dict
  sample: {"id": "1f0a", "database": "bookings_prod", "logins": ["bookings_prod"], "since": 1795260195.7}
stack:
  description: Name of the stack.
  returned: success
  type: str
  sample: bookings
folder:
  description: Where the backups lie.
  returned: success
  type: str
  sample: /var/lib/switchyard/backups/po-prod/bookings
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, restore_journal, run
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import lockout

SPEC = {**module_args.STACK_OPTIONS, "copies": {"type": "bool", "default": False}}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params

    def work() -> dict[str, object]:
        shelf = options.store_of(params)
        fence, restoring = lockout.LockoutFile(shelf.folder).read(), restore_journal.load_journal(shelf.folder)
        there = options.offsite_repository(params) if params["copies"] else None
        return {
            **({"copies": list(there.names(params["stack"]))} if there else {}),
            "changed": False,
            "stack": params["stack"],
            "backups": [entry.summary() for entry in shelf.entries()],
            "last": run.last_run(shelf),
            "unfinished": shelf.partials(),
            "restoring": restoring.backup if restoring else None,
            "fence": state_file.as_json(fence),
            "folder": str(shelf.folder),
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
