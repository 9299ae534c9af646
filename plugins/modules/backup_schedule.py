#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_schedule
short_description: Timers for backups, and where their copies go
description:
  - Puts a program on the server that makes backups as M(switchyard.stacks.postgres_backup) does, its parameters, and a
    timer of systemd for it. Where there is no systemd it is a file in C(/etc/cron.d).
  - A run that fails shows in C(systemctl --failed), in the journal, and in what
    M(switchyard.stacks.postgres_backup_info) tells of the last run.
  - Says where the copies off the server go, and makes the restic repository where there is none. The program restic has
    to be there.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
attributes:
  check_mode:
    support: full
    details: Whether the repository can be reached is seen when it is first used.
  diff_mode:
    support: full
    details: Of what may hold secrets only the names of the files.
  idempotent:
    support: full
options:
  jobs:
    description:
      - The backups, each with C(stack) and any of the options of M(switchyard.stacks.postgres_backup) but the
        place and the password. Without any there is no timer.
    type: list
    elements: dict
    default: []
  passwords:
    description:
      - The password of C(user), by stack, of those whose server asks for one.
    type: dict
    default: {}
  at:
    description:
      - When backups are made each day, as V(03:30), by the server's clock. Without it, none are by themselves.
    type: str
  repository:
    description:
      - Repository of restic, as C(/mnt/backup), C(sftp:user@host:/folder) or C(s3:https://host/bucket). It may have a
        password in it; it lies in a file that only root can read.
    type: str
  repository_password:
    description:
      - With it restic encrypts what is in the repository. Without it, nobody can read a copy again.
    type: str
  credentials:
    description:
      - Variables that restic wants for O(repository), as C(AWS_ACCESS_KEY_ID). They lie in a file that only root can
        read.
    type: dict
    default: {}
  check_at:
    description:
      - When the copies are checked each Sunday, as V(05:30). Without it, they are not by themselves.
    type: str
  check_parts:
    description:
      - A check looks at the whole repository's structure, and reads one of so many parts of its content. Each week it
        is another part.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Back up each night, and copy it elsewhere
  switchyard.stacks.backup_schedule:
    project: po
    environment: prod
    jobs:
      - {stack: bookings, keep: 7, keep_days: 30, copy: true}
    at: "03:30"
    repository: sftp:backup@elsewhere.example.org:/srv/po
    repository_password: "{{ vault_backup_password }}"
    check_at: "05:30"
"""

RETURN = r"""
begun:
  description: Whether the repository was made.
  returned: success
  type: bool
  sample: false
problems:
  description: What is wrong with the options, each with C(where), C(message), C(hint) and the stable C(code).
  returned: when something is in the way
  type: list
  elements: dict
  sample:
    - where: at
      message: noon is no time of a day
      hint: Write one as 03:30
      code: schedule.time
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import options, schedule
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "jobs": {"type": "list", "elements": "dict", "default": []},
            "passwords": {"type": "dict", "default": {}, "no_log": True},
            "at": {"type": "str"},
            "repository": {"type": "str", "no_log": True},
            "repository_password": {"type": "str", "no_log": True},
            "credentials": {"type": "dict", "default": {}, "no_log": True},
            "check_at": {"type": "str"},
            "check_parts": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    params = module.params
    spec = {**module_args.STACK_OPTIONS, **options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.HOOK_OPTIONS}

    def whole(job: dict[str, object]) -> dict[str, object]:
        given = {**job, **{key: params[key] for key in module_args.HOST_OPTIONS}}
        password = params["passwords"].get(job.get("stack"))
        checked = ArgumentSpecValidator(spec).validate({**given, **({"password": password} if password else {})})
        if checked.error_messages:
            raise SwitchyardError(f"jobs, {job.get('stack')}: {' '.join(checked.error_messages)}")
        return checked.validated_parameters

    def work() -> dict[str, object]:
        wish = schedule.ScheduleSpec(
            Path(params["root"]),
            params["project"],
            params["environment"],
            jobs=[whole(job) for job in params["jobs"]],
            at=params["at"] or None,
            check_at=params["check_at"] or None,
            parts=params["check_parts"],
            repository=params["repository"] or None,
            password=params["repository_password"] or None,
            credentials=params["credentials"],
        )
        return schedule.install(wish, module.check_mode)

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
