#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_backup
short_description: Back up a PostgreSQL database, and prove that the backup restores
description:
  - A backup is a folder C(<root>/backups/<project>-<environment>/<stack>/<UTC time>-<number>) with the dump and a
    manifest, which is written last. It has its name only when it is whole.
  - The dump and the numbers in the manifest are of one moment of the database, whatever is written meanwhile. They are
    the rows of each table, a number that stands for their content, sequences, extensions and large objects.
  - With O(verify=restore) the backup is restored as the owner of the database into a throwaway server of the same
    image, without a network, and compared with the manifest.
  - A run that was killed leaves nothing that the next one does not remove. A restore that was killed is brought to an
    end first.
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
    details: The names of the backups before and after.
  idempotent:
    support: partial
    details: Each run makes another backup. With O(backup), one that was proved so far already is only tried again.
options:
  backup:
    description:
      - Name of a backup that stands already, or V(latest). It is proved as O(verify) says, and no other is made.
      - It is tried again each time. One that is not what it was any more loses its proofs.
    type: str
  verify:
    description:
      - How the backup is proved.
      - With V(restore) it is restored elsewhere and compared row for row. Only such a backup counts as verified.
      - With V(read) all of it is read again and its sums are compared, for a database too large to restore each time.
      - With V(none) nothing is proved.
    type: str
    choices: [restore, read, none]
    default: restore
  scratch:
    description:
      - Where the throwaway server has its data. V(auto) takes memory where half of what is available is enough, else
        the disk that has the backups.
    type: str
    choices: [auto, memory, disk]
    default: auto
  compare:
    description:
      - Whether the content of all rows is compared, or only how many there are.
    type: str
    choices: [content, rows]
    default: content
  version_query:
    description:
      - A query whose first line tells the version of the schema. It is part of the manifest and of the comparison.
    type: str
  format:
    description:
      - Format of the dump. V(auto) is V(custom), and V(directory) from O(parallel_from) on. Only V(directory) is
        dumped by several processes.
    type: str
    choices: [auto, custom, directory]
    default: auto
  parallel_from:
    description:
      - Size of the database in GiB from which on V(auto) takes the format V(directory).
    type: int
    default: 10
  jobs:
    description:
      - How many processes dump in the format V(directory). Without it, half of the server's processors, at most 4.
    type: int
  compression:
    description:
      - C(zstd), C(gzip) or C(lz4), with a level behind a colon, or C(none). V(auto) is C(zstd:3), and C(gzip:6) before
        PostgreSQL 16.
    type: str
    default: auto
  release:
    description:
      - Number of the release that the backup is made for. It is part of the manifest.
    type: int
  keep:
    description:
      - How many backups are kept. Without O(keep) and O(keep_days), none is removed.
      - The newest is never removed, nor the newest of those that were proved best, nor one that was made for a release
        whose record is kept.
    type: int
  keep_days:
    description:
      - For how many days a backup is kept, also beyond O(keep).
    type: int
  keep_backups:
    description:
      - Names of backups that are kept whatever the other options say, as those of releases that are kept.
    type: list
    elements: str
    default: []
  pre:
    description:
      - Commands that run on the server before the backup, each a list of words. One that fails ends it before
        anything is done.
      - They are told in variables what it is about. These are C(SWITCHYARD_PROJECT), C(SWITCHYARD_ENVIRONMENT),
        C(SWITCHYARD_STACK), C(SWITCHYARD_DATABASE) and C(SWITCHYARD_BACKUPS), the folder of the stack's backups.
      - Neither these, nor O(post), nor O(copy) count with O(backup).
    type: list
    elements: list
    default: []
  post:
    description:
      - Commands that run on the server afterwards, whenever those in O(pre) did, also where the backup failed. One
        that fails is told, and the backup stays.
      - Besides, they are told C(SWITCHYARD_RESULT), V(ok) or V(failed), and of a backup that was made
        C(SWITCHYARD_BACKUP), C(SWITCHYARD_BACKUP_FOLDER) and C(SWITCHYARD_BACKUP_STATE).
    type: list
    elements: list
    default: []
  hook_seconds:
    description:
      - How long each of these commands may take.
    type: int
    default: 600
  copy:
    description:
      - Whether the backup is copied off the server, to where M(switchyard.stacks.backup_schedule) said. Copies are kept
        as O(keep) and O(keep_days) say for the backups here.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Back up before a migration
  switchyard.stacks.postgres_backup:
    project: po
    environment: prod
    stack: bookings
    version_query: SELECT version FROM schema_version ORDER BY version DESC LIMIT 1
    keep: 7
    keep_days: 30

- name: Prove at night what was only read during the day
  switchyard.stacks.postgres_backup:
    project: po
    environment: prod
    stack: bookings
    backup: latest
    verify: restore
"""

RETURN = r"""
name:
  description: Name of the backup.
  returned: success
  type: str
  sample: 20261121T112315Z-0042
backup:
  description: The backup, as M(switchyard.stacks.postgres_backup_info) shows it. Empty in check mode.
  returned: success
  type: dict
  sample:
    {"name": "20261121T112315Z-0042", "state": "restored", "bytes": 21561, "rows": 1000, "database": "bookings_prod"}
plan:
  description: What would be made, with the format, the bytes it may need and the bytes that are free.
  returned: in check mode, when a backup would be made
  type: dict
  sample: {"format": "custom", "compression": "zstd:3", "needed": 75101939, "free": 78900000000}
removed:
  description: Names of the backups that were removed.
  returned: success
  type: list
  elements: str
  sample: [20261101T112315Z-0021]
copied:
  description: Whether the backup was copied off the server.
  returned: when a backup was made
  type: bool
  sample: true
forgotten:
  description: Names of the copies that were removed.
  returned: when a backup was copied
  type: list
  elements: str
  sample: []
recovered:
  description: How a restore that had been killed was brought to an end, V(finished) or V(undone).
  returned: success
  type: str
  sample: undone
seconds:
  description: How long each part took.
  returned: when a backup was made
  type: dict
  sample: {"dump": 0.5, "verify": 2.2}
problems:
  description: Everything that prevents the backup, each with C(where), C(message), C(hint) and the stable C(code).
  returned: when something is in the way
  type: list
  elements: dict
  sample:
    - where: database
      message: there is no database shop_prod
      hint: Check its name, or run setup.yml
      code: postgres.database_missing
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, run, verify_existing
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            **options.SERVER_OPTIONS,
            **options.BACKUP_OPTIONS,
            **options.HOOK_OPTIONS,
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        wanted, shelf = options.backup_request(params), options.store_of(params)
        if params["backup"]:
            return verify_existing.verify_existing(Engine(), shelf, wanted, params["backup"], module.check_mode)
        return run.run_backup(Engine(), shelf, wanted, options.backup_run(params), module.check_mode)

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
