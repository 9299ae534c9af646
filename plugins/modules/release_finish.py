#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_finish
short_description: Record a release as live or paused, or revert it
description:
  - With O(state=live) watches the workers, records the release and releases the lock.
  - With O(state=failed) reverts the traffic first, then the workers, removes what the release started, records why and
    releases the lock. It returns what was done and does not hide the first error.
  - With O(state=failed) a migration of the kind C(breaking) or C(contract) is undone by restoring the backup from
    before it, as long as the new version was not live. After that the release stays live.
  - With O(state=paused) a canary keeps its clients, and the lock is released; C(promote.yml) continues the rollout.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
  - switchyard.stacks.context.step
attributes:
  check_mode:
    support: none
    details: There is no prepared release in check mode.
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details: A release is finished once.
options:
  previous_release:
    description:
      - Number of the release that was live before, if there was one.
    type: int
  state:
    description:
      - How the release ended.
    type: str
    choices: [live, failed, paused]
    default: live
  reason:
    description:
      - Why it failed, for the record.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Record the release
  switchyard.stacks.release_finish:
    project: po
    environment: prod
    stack: bookings
    release: "{{ prepared.release }}"
    previous_release: "{{ prepared.previous_release }}"
    token: "{{ prepared.token }}"
"""

RETURN = r"""
live:
  description: The color that is live now.
  returned: success
  type: str
dropped_requests:
  description: Connections of the old color that were closed, when the stack does not keep that color.
  returned: when O(state=live)
  type: int
release_seconds:
  description: Seconds since the release took its lock.
  returned: when O(state=live)
  type: float
traffic_reverted:
  description: Whether traffic was sent back to the previous release.
  returned: when O(state=failed)
  type: bool
database:
  description: What was done about the database, when a migration was in progress.
  returned: when O(state=failed)
  type: str
workers_reverted:
  description: Whether the workers of the previous release were started again.
  returned: when O(state=failed)
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import finish, revert


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STEP_OPTIONS,
            "previous_release": {"type": "int"},
            "state": {"type": "str", "choices": ["live", "failed", "paused"], "default": "live"},
            "reason": {"type": "str", "default": ""},
        },
    )
    params = module.params

    def work() -> dict[str, object]:
        ctx = module_args.stack_context(module)
        if params["state"] == "failed":
            result = revert.revert(
                ctx, params["release"], params["previous_release"], params["token"], params["reason"]
            )
            return module_args.to_result(result)
        if params["state"] == "paused":
            finish.pause(ctx, params["release"], params["token"])
            return {"changed": True, "live": ctx.live()}
        ended = finish.finish(ctx, params["release"], params["previous_release"], params["token"])
        return {**module_args.to_result(ended), "live": ctx.live()}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
