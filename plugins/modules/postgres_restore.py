#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_restore
short_description: Restore a backup of a PostgreSQL database by a swap
description:
  - The backup is loaded into a new database on the same server, as the tenant and never as the administrator, and
    compared with its manifest. The new database gets the grants, settings, limit and comment of the live one.
  - Then the logins are disabled, their sessions terminated, and both databases renamed in one transaction, within
    milliseconds. The old database is retained as C(<database>__before_<UTC time>) and accepts no connections. To look
    at it, run C(ALTER DATABASE ... ALLOW_CONNECTIONS true). Drop it when it is no longer needed.
  - Changes after the backup are discarded only if a lockout was active since the backup, or if
    O(max_discarded_changes) allows them. Otherwise nothing is changed, and the message has their number.
  - After a failure, everything is as before. After a kill, the next run of this module or of
    M(switchyard.stacks.postgres_backup) finishes or undoes the restore.
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
    details: A container is started to read the server's state, and removed again.
  diff_mode:
    support: full
    details: Which database has the name, before and after.
  idempotent:
    support: full
    details: A restored backup is not restored again unless the database has changed since.
options:
  backup:
    description:
      - Name of the backup, or V(latest).
    type: str
    required: true
  owner:
    description:
      - Role that will own the database and its objects. If unset, the owner of the live database, or without one the
        owner in the backup. With another owner than in the backup, the grants in the backup are not restored.
    type: str
  logins:
    description:
      - Logins that are disabled during the swap. If unset, the owner and all its members. At the moment of the swap
        the database accepts no connections at all.
    type: list
    elements: str
  max_discarded_changes:
    description:
      - Number of row changes since the backup that may be discarded. With more changes, nothing is done.
      - V(unknown) allows any number, also when it cannot be determined, as after a crash of PostgreSQL.
      - A database without a table or a sequence has no changes to discard.
    type: str
  block_writes:
    description:
      - Blocks all connections before loading starts, then counts the changes that would be discarded. No write is
        accepted and then discarded. Otherwise, the database is in use until the swap.
    type: bool
    default: false
  from_environment:
    description:
      - Environment whose backup is restored, if it is another one. Owner, grants and settings remain those of this
        environment's database, which has to exist.
    type: str
  anonymise:
    description:
      - SQL that runs in the new database, as its owner and in one transaction, after the comparison and before any
        other login can connect. If it fails, everything is as before.
    type: str
  fetch_offsite:
    description:
      - Whether to fetch the backup from its off-site copy first, if it is not on this server. V(latest) is the newest
        copy then. The role P(switchyard.stacks.backup#role) configures the repository.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show how many changes a restore would discard
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
    max_discarded_changes: 510
    block_writes: true

- name: Fill staging from prod, without its customers' names
  switchyard.stacks.postgres_restore:
    project: po
    environment: staging
    stack: bookings
    backup: latest
    from_environment: prod
    anonymise: UPDATE bookings_booking SET name = 'anonymous', email = id || '@example.org'
    max_discarded_changes: unknown
"""

RETURN = r"""
backup:
  description: The backup, as M(switchyard.stacks.postgres_backup_info) returns it.
  returned: success
  type: dict
  sample: {"name": "20261121T112315Z-0042", "state": "restored", "bytes": 21561, "rows": 1000}
database:
  description: Name of the database.
  returned: success
  type: str
  sample: bookings_prod
retained:
  description: Name of the old database. V(null) if there was none, or if nothing was restored.
  returned: success
  type: str
  sample: bookings_prod__before_20261121_112700
discarded_changes:
  description: Number of row changes since the backup that only the old database has. V(null) if it is unknown.
  returned: success
  type: int
  sample: 510
locked_out:
  description: Whether a lockout was active since the backup.
  returned: success
  type: bool
  sample: false
anonymised:
  description: Whether SQL changed the new database before it got its name.
  returned: success
  type: bool
  sample: false
grants_restored:
  description:
    - Whether the grants in the backup were restored. They are not if the owner is another one than in the backup; then
      the role P(switchyard.stacks.postgres#role) grants the logins their privileges.
  returned: success
  type: bool
  sample: true
recovery_action:
  description: What was done with an interrupted restore, V(finished) or V(undone). V(null) if there was none.
  returned: success
  type: str
  sample: undone
seconds:
  description: How long loading and comparing took, and how long writes were blocked (C(outage), which includes the load
    with O(block_writes=true)).
  returned: when something was restored
  type: dict
  sample: {"load": 1.234, "outage": 0.018}
problems:
  description: Everything that prevents the restore, each with C(where), C(message), C(hint) and the stable C(code).
  returned: when there are problems
  type: list
  elements: dict
  sample:
    - {"where": "max_discarded_changes", "message": "510 row changes since the backup would be discarded",
       "hint": "Set max_discarded_changes: 510 to discard them", "code": "restore.discarded_changes"}
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
            "max_discarded_changes": {"type": "str"},
            "block_writes": {"type": "bool", "default": False},
            "from_environment": {"type": "str"},
            "anonymise": {"type": "str"},
            "fetch_offsite": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )

    def work() -> dict[str, object]:
        return module_args.to_result(run_restore.run_restore(Engine(), module.params, module.check_mode))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
