#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_start
short_description: Start the accessories of a release, run its one-off commands and start its color
description:
  - Starts the accessories, and waits for those that another service waits for with C(condition=service_healthy). Each
    gets the time of its own health check (start_period + retries * (interval + timeout)), and at least 60 seconds.
  - Runs the one-shots that the migration waits for, the migration, what follows it and the other one-shots, in
    containers of the new image, under the stack's lock. Each has a time limit and a log in the release's folder. When
    one fails, the next ones do not run and the color does not start.
  - Before a migration of a database on the shared server, the module runs the stack's check for a pending migration,
    ends the sessions of an interrupted one, makes a backup and verifies it. The migration runs under its own login and
    with a lock timeout; after a lock timeout it runs again. Afterwards the module checks the indexes and the schema.
  - With the kind C(expand) the old color keeps serving and must pass its own gates on the new schema. With C(breaking)
    and C(contract) the proxy holds requests, the old color stops, other logins are disabled, and the migration is
    rehearsed on the restored backup. M(switchyard.stacks.release_finish) enables the logins again, or restores the
    database.
  - Starts the release's color; it has no traffic yet.
  - With the strategy C(recreate) the proxy holds new requests from the beginning, requests in flight finish, and the
    live color and the workers stop before anything else. M(switchyard.stacks.bluegreen) resumes the requests to the new
    color; M(switchyard.stacks.release_finish) with O(switchyard.stacks.release_finish#module:state=failed) starts the
    old version again and resumes them to it. The proxy holds a request as long as the role C(proxy) allows, then the
    client gets the maintenance page.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.action
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
  - switchyard.stacks.context.step
attributes:
  check_mode:
    support: none
    details: Only the application knows what a command changes.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: The commands run each time.
options:
  run_jobs:
    description:
      - Whether to run the one-off commands. On the way back they have run already.
    type: bool
    default: true
  start_color:
    description:
      - Whether to run the one-off commands and start the color. A color that runs already only needs its accessories.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Migrate and start
  switchyard.stacks.release_start:
    project: po
    environment: prod
    stack: bookings
    release: "{{ prepared.release }}"
    token: "{{ prepared.token }}"
"""

RETURN = r"""
jobs:
  description: The commands that ran, with their exit codes and seconds.
  returned: success
  type: list
  elements: dict
  sample:
    - command: python3 manage.py migrate --noinput
      exit_code: 0
      seconds: 1.9
migration:
  description:
    - What was done about the migration. C(pending) is whether there was one, C(backup) the name of the backup,
      C(attempts) how often the command ran, C(rehearsal_seconds) how long the rehearsal took, and C(ended_sessions)
      the sessions of an interrupted migration that were ended.
  returned: success
  type: dict
  sample:
    pending: true
    backup: 20260101T120000Z-0007
    attempts: 1
    rehearsal_seconds: null
    ended_sessions: []
stopped:
  description: The color that was stopped first, for the strategy C(recreate) or a migration that requires it.
  returned: success
  type: str
failed_dependencies:
  description:
    - A warning for each dependency that failed and that the Compose file does not require (C(required=false)), and for
      each accessory that does not keep running.
  returned: success
  type: list
  elements: str
dropped_requests:
  description: Requests that the stopped color still answered at its drain limit.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import start


def main() -> None:
    switch = {"type": "bool", "default": True}
    module = AnsibleModule(argument_spec={**module_args.STEP_OPTIONS, "run_jobs": switch, "start_color": switch})
    params = module.params

    def work() -> dict[str, object]:
        ctx = module_args.stack_context(module)
        jobs, color = params["run_jobs"], params["start_color"]
        result = start.start(ctx, params["release"], params["token"], jobs, color)
        for text in result.failed_dependencies:
            module.warn(text)
        return module_args.to_result(result)

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
