#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_program
short_description: Install the program that timers start to back up databases
description:
  - Installs a program that makes backups as M(switchyard.stacks.postgres_backup) does, and its parameters. It needs
    Python and no Ansible. The role P(switchyard.stacks.backup#role) writes the timers that start it.
  - Configures the repository of the off-site copies, and creates it with restic if it does not exist. The program
    restic has to be installed.
  - Without O(backups) and O(repository), the program and its files are removed.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
attributes:
  check_mode:
    support: full
    details: It does not connect to the repository.
  diff_mode:
    support: full
    details: The paths of the files, whose content may be secret.
  idempotent:
    support: full
options:
  backups:
    description:
      - The backups to make, each with C(stack) and any of the options of M(switchyard.stacks.postgres_backup) except
        C(root), C(project), C(environment) and the password.
    type: list
    elements: dict
    default: []
  volumes:
    description:
      - The volumes to back up, each with C(stack), C(volume) and any of the options of
        M(switchyard.stacks.volume_backup) except C(root), C(project) and C(environment).
    type: list
    elements: dict
    default: []
  passwords:
    description:
      - The administrator's password by stack, for database servers that ask for one.
    type: dict
    default: {}
  repository:
    description:
      - Repository of restic, as C(/mnt/backup), C(sftp:user@host:/folder) or C(s3:https://host/bucket). It may contain
        a password; it is stored in a file that only root can read.
    type: str
  repository_password:
    description:
      - Password with which restic encrypts the repository. Without it, the off-site copies cannot be read.
    type: str
  credentials:
    description:
      - Environment variables that restic needs for O(repository), as C(AWS_ACCESS_KEY_ID). They are stored in a file
        that only root can read.
    type: dict
    default: {}
  check_subset_count:
    description:
      - Number of subsets of the repository's data. The check of the off-site copies checks the whole structure and
        reads one subset, each week another one.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Install the program for a backup with an off-site copy
  switchyard.stacks.backup_program:
    project: po
    environment: prod
    backups:
      - {stack: bookings, keep: 7, keep_days: 30, copy_offsite: true}
    repository: sftp:backup@storage.example.org:/srv/po
    repository_password: "{{ vault_backup_password }}"
"""

RETURN = r"""
command:
  description: Command line that starts the program. The argument C(check) checks the off-site copies instead.
  returned: success
  type: str
  sample: /usr/bin/python3 /var/lib/switchyard/backups/po-prod/.program/backup.pyz
repository_created:
  description: Whether the repository was created.
  returned: success
  type: bool
  sample: false
problems:
  description: The invalid options, each with C(where), C(message), C(hint) and the stable C(code).
  returned: when there are problems
  type: list
  elements: dict
  sample:
    - {"where": "check_subset_count", "message": "0 is less than 1", "hint": "Use 1 or more",
       "code": "schedule.too_small"}
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, program
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import backup_timer


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "backups": {"type": "list", "elements": "dict", "default": []},
            "volumes": {"type": "list", "elements": "dict", "default": []},
            "passwords": {"type": "dict", "default": {}, "no_log": True},
            "repository": {"type": "str", "no_log": True},
            "repository_password": {"type": "str", "no_log": True},
            "credentials": {"type": "dict", "default": {}, "no_log": True},
            "check_subset_count": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    params = module.params
    spec = {**module_args.STACK_OPTIONS, **options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.RUN_OPTIONS}

    volume_spec = {**module_args.STACK_OPTIONS, **options.VOLUME_OPTIONS}

    def with_defaults(key: str, backup: dict[str, object], known: dict[str, object]) -> dict[str, object]:
        values = {**backup, **{name: params[name] for name in module_args.HOST_OPTIONS}}
        password = params["passwords"].get(backup.get("stack")) if key == "backups" else None
        checked = ArgumentSpecValidator(known).validate({**values, **({"password": password} if password else {})})
        if checked.error_messages:
            raise SwitchyardError(f"{key}, {backup.get('stack')}: {' '.join(checked.error_messages)}")
        return checked.validated_parameters

    def work() -> dict[str, object]:
        program_spec = program.ProgramSpec(
            Path(params["root"]),
            params["project"],
            params["environment"],
            entry_point=backup_timer.__name__,
            backups=[with_defaults("backups", backup, spec) for backup in params["backups"]],
            volumes=[with_defaults("volumes", volume, volume_spec) for volume in params["volumes"]],
            check_subset_count=params["check_subset_count"],
            repository=params["repository"] or None,
            password=params["repository_password"] or None,
            credentials=params["credentials"],
        )
        return module_args.to_result(program.install(program_spec, module.check_mode))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
