#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_backup
short_description: Back up a volume of a stack
description:
  - Copies a volume into an archive while no container writes into it, reads the archive back and compares it with what
    was copied. The manifest lists every file with its size, owner, mode and SHA-256.
  - The running containers of the stack that use the volume are stopped and started again. With O(before) or O(after),
    these commands run in the containers of O(service) instead, and nothing is stopped.
  - An interrupted run leaves stopped containers to the next one, which starts them.
extends_documentation_fragment:
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: none
    details: Each run makes a backup.
options:
  volume:
    description: Name of the volume in the Compose files.
    type: str
    required: true
  service:
    description: Service in whose containers O(before) and O(after) run.
    type: str
  before:
    description: Command that makes the program ready for the copy, as a list of words.
    type: list
    elements: str
    default: []
  after:
    description: Command that runs after the copy, also after a failed one.
    type: list
    elements: str
    default: []
  keep:
    description: Number of backups to keep. If neither this nor O(keep_days) is set, all are kept.
    type: int
  keep_days:
    description: Number of days to keep a backup.
    type: int
  copy_offsite:
    description: Whether the backup is copied into the environment's repository of restic.
    type: bool
    default: false
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
- name: Back up the uploads
  switchyard.stacks.volume_backup:
    project: po
    environment: prod
    stack: shop
    volume: uploads
    keep: 7
"""

RETURN = r"""
name:
  description: Name of the backup.
  returned: success
  type: str
  sample: 20261121T112315Z-0042
backup:
  description: The backup as lists show it; V(null) in check mode.
  returned: success
  type: dict
plan:
  description: What was planned, with C(method), C(stop) and C(bytes).
  returned: success
  type: dict
removed:
  description: Names of the backups that were removed.
  returned: success
  type: list
  elements: str
removed_offsite:
  description: Names of the off-site copies that were removed.
  returned: when the backup was copied
  type: list
  elements: str
started_again:
  description: Containers that an interrupted run had stopped.
  returned: success
  type: list
  elements: str
seconds:
  description: How long each part took.
  returned: when a backup was made
  type: dict
  sample: {"copy": 0.5, "verify": 0.2}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, volume_backup
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine


def main() -> None:
    module = AnsibleModule(
        argument_spec={**module_args.STACK_OPTIONS, **options.VOLUME_OPTIONS}, supports_check_mode=True
    )
    params = module.params

    def work() -> dict[str, object]:
        offsite = options.offsite_repository(params) if params["copy_offsite"] else None
        store, request = options.volume_store(params), options.volume_request(params)
        result = volume_backup.create_volume_backup(Engine(), store, request, module.check_mode, offsite)
        return module_args.to_result(result)

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
