#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_jobs
short_description: Run the one-off commands of a release, each once
description:
  - Runs the migration and then what follows it, in one-off containers of the new image, under the stack's lock.
  - Each has a time limit and a log in the release's folder. The first that fails ends the row.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.place
  - switchyard.stacks.place.stack
  - switchyard.stacks.place.step
attributes:
  check_mode:
    support: none
    details: Whether a command changes anything is known only to the application.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: The commands run each time.
"""

EXAMPLES = r"""
- name: Migrate
  switchyard.stacks.release_jobs:
    project: po
    environment: prod
    stack: bookings
    release: "{{ prepared.release }}"
    token: "{{ prepared.token }}"
"""

RETURN = r"""
jobs:
  description: The commands that ran, with the seconds each took.
  returned: success
  type: list
  elements: dict
  sample:
    - command: python3 manage.py migrate --noinput
      seconds: 1.9
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import arguments
from ansible_collections.switchyard.stacks.plugins.module_utils.release import jobs


def main() -> None:
    module = AnsibleModule(
        argument_spec=arguments.STEP,
    )

    def work() -> dict[str, object]:
        done = jobs.run(arguments.place(module), module.params["release"], module.params["token"])
        return {"changed": bool(done), "jobs": done}

    arguments.end(module, work)


if __name__ == "__main__":
    main()
