#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_passwords
short_description: Make passwords of PostgreSQL logins on the server
description:
  - Makes a password for each login that has none, in a file that only root can read. The passwords never leave the
    server. What this module returns is what PostgreSQL keeps of them, from which nobody gets a password back.
  - To change a password, remove its file and run the role C(switchyard.stacks.postgres), which uses this module.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  root:
    description:
      - Folder on the server below which everything of this collection lies.
    type: path
    default: /var/lib/switchyard
  logins:
    description:
      - Names of the logins.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Make the password of the migrations' login
  switchyard.stacks.postgres_passwords:
    logins: [shop_prod_migrator]
  register: keys
  no_log: true
"""

RETURN = r"""
made:
  description: The logins that have a new password.
  returned: success
  type: list
  elements: str
  sample: [shop_prod_migrator]
verifiers:
  description:
    - The SCRAM verifier of each login's password, as PostgreSQL keeps it. Register it in a task with C(no_log).
    - In check mode, only of passwords that are there already.
  returned: success
  type: dict
  sample: {"shop_prod_migrator": "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, paths
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import passwords


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "root": module_args.STACK_OPTIONS["root"],
            # Names, not passwords, whatever they are called
            "logins": {"type": "list", "elements": "str", "required": True, "no_log": False},
        },
        supports_check_mode=True,
    )

    def work() -> dict[str, object]:
        folder, logins = paths.postgres_folder(Path(module.params["root"])), module.params["logins"]
        made = passwords.missing(folder, logins)
        if made and not module.check_mode:
            passwords.create(folder, made)
        names = "".join(f"a password of {login}\n" for login in made)
        return {
            "changed": bool(made),
            "made": made,
            "verifiers": passwords.verifiers(folder, logins),
            "diff": {"before": "", "after": names},
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
