#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_passwords
short_description: Generate passwords of PostgreSQL logins on the server
description:
  - Generates a password for each login that has none, in a file that only root can read. The passwords never leave the
    server. The module returns SCRAM verifiers, from which a password cannot be computed.
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
      - Folder on the server for all data of this collection.
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
- name: Generate the password of the migrations' login
  switchyard.stacks.postgres_passwords:
    logins: [shop_prod_migrator]
  register: passwords
  no_log: true
"""

RETURN = r"""
created:
  description: The logins that got a new password.
  returned: success
  type: list
  elements: str
  sample: [shop_prod_migrator]
verifiers:
  description:
    - The SCRAM verifier of each login's password, as PostgreSQL stores it. Register it in a task with C(no_log).
    - In check mode, only of existing passwords.
  returned: success
  type: dict
  sample: {"shop_prod_migrator": "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import passwords


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "root": module_args.STACK_OPTIONS["root"],
            # Names of logins, not secrets
            "logins": {"type": "list", "elements": "str", "required": True, "no_log": False},
        },
        supports_check_mode=True,
    )

    def work() -> dict[str, object]:
        folder, logins = Path(module.params["root"]) / "postgres", module.params["logins"]
        missing = passwords.missing(folder, logins)
        if missing and not module.check_mode:
            passwords.create(folder, missing)
        lines = "".join(f"a password of {login}\n" for login in missing)
        return {
            "changed": bool(missing),
            "created": missing,
            "verifiers": passwords.verifiers(folder, logins),
            "diff": {"before": "", "after": lines},
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
