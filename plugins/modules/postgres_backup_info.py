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
  - switchyard.stacks.place
  - switchyard.stacks.place.stack
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
folder:
  description: Where the backups lie.
  returned: success
  type: str
  sample: /var/lib/switchyard/backups/po-prod/bookings
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import arguments
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import asking, fencing, recovering


def main() -> None:
    module = AnsibleModule(argument_spec=arguments.PLACE, supports_check_mode=True)

    def work() -> dict[str, object]:
        shelf = asking.shelf(module.params)
        fence, restoring = fencing.Fences(shelf.folder).read(), recovering.begun(shelf.folder)
        return {
            "changed": False,
            "backups": [entry.summary() for entry in shelf.entries()],
            "unfinished": shelf.partials(),
            "restoring": restoring.backup if restoring else None,
            "fence": dataclasses.asdict(fence) if fence else None,
            "folder": str(shelf.folder),
        }

    arguments.end(module, work)


if __name__ == "__main__":
    main()
