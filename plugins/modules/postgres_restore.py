#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_restore
short_description: Restore a backup of a PostgreSQL database by a swap
description:
  - The backup is loaded into a new database beside the real one, as the tenant and never as the administrator, and
    compared with its manifest. It gets the grants, settings, limit and comment of the real one.
  - Only then the logins are kept out, their sessions ended, and both databases renamed in one transaction, in
    milliseconds. The old database stays under the name C(<database>__before_<UTC time>), closed to everybody. Look at
    it after C(ALTER DATABASE ... ALLOW_CONNECTIONS true), and drop it when nobody needs it any more.
  - What was written after the backup is set aside only where a fence stood since then, or where O(set_aside) names how
    much that is. Otherwise nothing is done, and the number is told.
  - Where it fails, everything is as before. Where it is killed, the next run of this module or of
    M(switchyard.stacks.postgres_backup) brings it to an end.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.action
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
  - switchyard.stacks.postgres
attributes:
  check_mode:
    support: full
    details: A container is made to look at the server, and removed again.
  diff_mode:
    support: full
    details: What has the name of the database before and after.
  idempotent:
    support: full
    details: A backup that was restored, and after which nothing was changed, is not restored again.
options:
  backup:
    description:
      - Name of the backup, or V(latest).
    type: str
    required: true
  owner:
    description:
      - Role that will own the database and all that is in it. Without it, the owner of the real database, or where
        there is none the one that the backup has. Where it is another one than the backup has, the grants in the
        backup are left out.
    type: str
  logins:
    description:
      - Logins that are kept out during the swap. Without it, the owner and all its members. At the moment of the swap
        nobody can enter the database, whoever is named here.
    type: list
    elements: str
  set_aside:
    description:
      - How many row changes since the backup may be set aside. More than that, and nothing is done.
      - With V(unknown) any number may, also where nobody can tell it, as after a crash of PostgreSQL.
      - Of a database without a table or a sequence nothing is set aside.
    type: str
  closed:
    description:
      - Keeps everybody out of the database from before the loading on, and counts what would be set aside then. No
        write is accepted any more that would be set aside. Without it, the database serves until the swap.
    type: bool
    default: false
  from_environment:
    description:
      - Environment whose backup it is, where that is another one. Owner, grants and settings are those of this
        environment's database, which has to be there.
    type: str
  anonymise:
    description:
      - SQL that runs in the new database, as its owner, after it was compared and before anybody else sees it. All of
        it is one transaction. Where it fails, everything is as before.
    type: str
  fetch:
    description:
      - Brings the backup back from its copy off the server first, where it is not here any more. V(latest) is the
        newest copy then. The role P(switchyard.stacks.backup#role) says where copies are.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Tell what a restore would set aside
  switchyard.stacks.postgres_restore:
    project: po
    environment: prod
    stack: bookings
    backup: latest
  check_mode: true

- name: Restore
  switchyard.stacks.postgres_restore:
    project: po
    environment: prod
    stack: bookings
    backup: 20261121T112315Z-0042
    set_aside: 510
    closed: true

- name: Fill staging with what prod has, without its customers' names
  switchyard.stacks.postgres_restore:
    project: po
    environment: staging
    stack: bookings
    backup: latest
    from_environment: prod
    anonymise: UPDATE bookings_booking SET name = 'somebody', email = id || '@example.org'
    set_aside: unknown
"""

RETURN = r"""
backup:
  description: The backup, as M(switchyard.stacks.postgres_backup_info) shows it.
  returned: success
  type: dict
  sample: {"name": "20261121T112315Z-0042", "state": "restored", "bytes": 21561, "rows": 1000}
database:
  description: Name of the database.
  returned: success
  type: str
  sample: bookings_prod
kept:
  description: Name under which the old database stays. Empty where there was none, or where nothing was restored.
  returned: success
  type: str
  sample: bookings_prod__before_20261121_112700
set_aside:
  description: How many row changes since the backup are in the old database only. Empty where nobody can know.
  returned: success
  type: int
  sample: 510
fenced:
  description: Whether a fence stood since the backup.
  returned: success
  type: bool
  sample: false
anonymised:
  description: Whether SQL changed the new database before it got the name.
  returned: success
  type: bool
  sample: false
grants:
  description:
    - Whether the grants in the backup were restored. They are not where the owner is another one than it was; then the
      role P(switchyard.stacks.postgres#role) gives the logins their rights.
  returned: success
  type: bool
  sample: true
recovered:
  description: How a restore that had been killed was brought to an end, V(finished) or V(undone).
  returned: success
  type: str
  sample: undone
seconds:
  description: How long loading and comparing took, and for how long nobody could write (C(outage), from the
    closing on with O(closed)).
  returned: when something was restored
  type: dict
  sample: {"load": 1.234, "outage": 0.018}
problems:
  description: Everything that prevents the restore, each with C(where), C(message), C(hint) and the stable C(code).
  returned: when something is in the way
  type: list
  elements: dict
  sample:
    - where: set_aside
      message: 510 row changes would be set aside
      hint: "Write set_aside: 510"
      code: restore.discarded_changes
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, run_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            **options.SERVER_OPTIONS,
            "backup": {"type": "str", "required": True},
            "owner": {"type": "str"},
            "logins": {"type": "list", "elements": "str"},
            "set_aside": {"type": "str"},
            "closed": {"type": "bool", "default": False},
            "from_environment": {"type": "str"},
            "anonymise": {"type": "str"},
            "fetch": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    module_args.run_module(module, lambda: run_restore.run_restore(Engine(), module.params, module.check_mode))


if __name__ == "__main__":
    main()
