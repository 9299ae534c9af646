#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_backup
short_description: Back up a PostgreSQL database and verify that the backup restores
description:
  - A backup is a folder C(<root>/backups/<project>-<environment>/<stack>/<UTC time>-<number>) with the dump and a
    manifest. The manifest is written last, and the folder gets its name when the backup is complete.
  - The dump and the numbers in the manifest come from one snapshot of the database. The manifest has the rows and
    a checksum of each table, sequences, extensions and large objects.
  - With O(verify=restore) the backup is restored as the owner of the database into a scratch server of the same image,
    without a network, and compared with the manifest.
  - The next run removes what an interrupted run left. An interrupted restore is finished or undone first.
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
    details: The names of the backups before and after.
  idempotent:
    support: partial
    details: Each run makes another backup. With O(backup), a run changes something only if the backup's state improves.
options:
  backup:
    description:
      - Name of an existing backup, or V(latest). It is verified as O(verify) says, and no new backup is made.
      - It is verified in every run. A backup that no longer matches its manifest loses its verified status.
    type: str
  verify:
    description:
      - How the backup is verified.
      - V(restore) restores it into a scratch server and compares it row by row. Only such a backup counts as verified.
      - V(read) reads all of it again and compares checksums, for a database too large to restore each time.
      - V(none) does not verify it.
    type: str
    choices: [restore, read, none]
    default: restore
  scratch:
    description:
      - Where the scratch server has its data. V(auto) uses memory if half of what is available is enough, else the
        disk of the backups.
    type: str
    choices: [auto, memory, disk]
    default: auto
  verify_content:
    description:
      - Whether the content of all rows is compared, or only their number.
    type: bool
    default: true
  version_query:
    description:
      - A query whose first line is the version of the schema. It is stored in the manifest and compared.
    type: str
  format:
    description:
      - Format of the dump. V(auto) is V(custom), and V(directory) for a database of at least O(parallel_from). Only
        V(directory) is dumped by several processes.
    type: str
    choices: [auto, custom, directory]
    default: auto
  parallel_from:
    description:
      - Size of the database in GiB from which on V(auto) uses the format V(directory).
    type: int
    default: 10
  parallel_jobs:
    description:
      - Number of processes that dump in the format V(directory). If unset, half of the server's processors, at most 4.
    type: int
  compression:
    description:
      - C(zstd), C(gzip) or C(lz4), with a level after a colon, or C(none). V(auto) is C(zstd:3), and C(gzip:6) before
        PostgreSQL 16.
    type: str
    default: auto
  release:
    description:
      - Number of the release that the backup is made for. It is stored in the manifest.
    type: int
  keep:
    description:
      - Number of backups to keep. Without O(keep) and O(keep_days), none is removed.
      - The newest backup, the newest of those verified best, and backups of releases whose record is kept are never
        removed.
    type: int
  keep_days:
    description:
      - Number of days to keep a backup, also beyond O(keep).
    type: int
  keep_names:
    description:
      - Names of backups that are kept in spite of the other options.
    type: list
    elements: str
    default: []
  pre_hooks:
    description:
      - Commands that run on the server before the backup, each a list of words. If one fails, no backup is made.
      - Their environment has C(SWITCHYARD_PROJECT), C(SWITCHYARD_ENVIRONMENT), C(SWITCHYARD_STACK),
        C(SWITCHYARD_DATABASE), and C(SWITCHYARD_BACKUPS), the folder of the stack's backups.
      - O(pre_hooks), O(post_hooks) and O(copy_offsite) have no effect with O(backup).
    type: list
    elements: list
    default: []
  post_hooks:
    description:
      - Commands that run on the server afterwards, if those of O(pre_hooks) succeeded, also after a failed backup. If
        one fails, the module fails, and the backup is kept.
      - Their environment also has C(SWITCHYARD_RESULT), V(ok) or V(failed), and for a completed backup
        C(SWITCHYARD_BACKUP), C(SWITCHYARD_BACKUP_FOLDER) and C(SWITCHYARD_BACKUP_STATE).
    type: list
    elements: list
    default: []
  hook_timeout:
    description:
      - Seconds that each of these commands may take.
    type: int
    default: 600
  copy_offsite:
    description:
      - Whether the backup is copied to the repository that M(switchyard.stacks.backup_program) configured. O(keep) and
        O(keep_days) apply to the off-site copies too.
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

- name: Verify at night what was only read during the day
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
  description: The backup, as M(switchyard.stacks.postgres_backup_info) returns it. V(null) in check mode.
  returned: success
  type: dict
  sample:
    {"name": "20261121T112315Z-0042", "state": "restored", "bytes": 21561, "rows": 1000, "database": "bookings_prod"}
plan:
  description: The backup that would be made, with its format, the bytes it may need and the bytes that are free.
  returned: in check mode, when a backup would be made
  type: dict
  sample: {"format": "custom", "compression": "zstd:3", "required_bytes": 75101939, "free_bytes": 78900000000}
removed:
  description: Names of the removed backups.
  returned: success
  type: list
  elements: str
  sample: [20261101T112315Z-0021]
copied_offsite:
  description: Whether the backup was copied off-site.
  returned: when a backup was made
  type: bool
  sample: true
removed_offsite:
  description: Names of the removed off-site copies.
  returned: when a backup was copied
  type: list
  elements: str
  sample: []
recovery_action:
  description: What was done with an interrupted restore, V(finished) or V(undone). V(null) if there was none.
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
  returned: when there are problems
  type: list
  elements: dict
  sample:
    - {"where": "database", "message": "there is no database shop_prod", "hint": "Check its name, or run setup.yml",
       "code": "postgres.database_missing"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, run, verify_existing
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.kept_backups import kept_backups


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            **options.SERVER_OPTIONS,
            **options.BACKUP_OPTIONS,
            **options.RUN_OPTIONS,
        },
        supports_check_mode=True,
    )

    def work() -> dict[str, object]:
        params = options.with_accessory(module.params, Engine)
        request, store = options.backup_request(params, kept_backups(params)), options.store_of(params)
        if params["backup"]:
            result = verify_existing.verify_existing(Engine(), store, request, params["backup"], module.check_mode)
        else:
            result = run.run_backup(Engine(), store, request, options.backup_run(params), module.check_mode)
        return module_args.to_result(result)

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
