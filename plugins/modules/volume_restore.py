#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_restore
short_description: Restore a volume of a stack
description:
  - Restores a backup of a volume into a new volume, compares it with the manifest, and swaps both while the containers
    that use it are stopped. The old content is kept in a volume with a dated name.
  - An interrupted restore is finished or undone by the next one.
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
    details: Each run restores.
options:
  volume:
    description: Name of the volume in the Compose files.
    type: str
    required: true
  backup:
    description: Name of the backup, or V(latest).
    type: str
    required: true
  fetch_offsite:
    description: Whether the backup is fetched from its off-site copy first.
    type: bool
    default: false
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
- name: Restore the uploads
  switchyard.stacks.volume_restore:
    project: po
    environment: prod
    stack: shop
    volume: uploads
    backup: latest
"""

RETURN = r"""
backup:
  description: The restored backup.
  returned: success
  type: dict
volume:
  description: Name of the volume on the server.
  returned: success
  type: str
  sample: po-shop-uploads-prod
retained:
  description: Name of the volume with the old content.
  returned: success
  type: str
  sample: po-shop-uploads-prod-before-20261121-112315
recovery_action:
  description: What was done with an interrupted restore, V(finished) or V(undone). V(null) if there was none.
  returned: success
  type: str
seconds:
  description: How long each part took.
  returned: when a backup was restored
  type: dict
  sample: {"load": 0.4, "outage": 1.2}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, volume_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine

SPEC = {
    **module_args.STACK_OPTIONS,
    "volume": {"type": "str", "required": True},
    "backup": {"type": "str", "required": True},
    "fetch_offsite": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params

    def work() -> dict[str, object]:
        store, request, backup = options.volume_store(params), options.volume_request(params), params["backup"]
        if params["fetch_offsite"] and not module.check_mode:
            with store.locked():
                store.remove_partials()
                repository = options.offsite_repository(params)
                backup = repository.fetch(store, backup, f"{params['stack']}/volume@{params['volume']}").name
        result = volume_restore.restore_volume(Engine(), store, request, backup, module.check_mode)
        return module_args.to_result(result)

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
