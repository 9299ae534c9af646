#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Release a stack on its server, in one visit
description:
  - Takes the stack's lock, plans the release from what is on the server, pulls or builds missing images, renders a
    Compose project per color, and gives the proxy the routes of the idle color.
  - Starts the accessories, and waits for those that another service waits for with C(condition=service_healthy). Each
    gets the time of its own health check (start_period + retries * (interval + timeout)), and at least 60 seconds.
  - Runs the one-shots that the migration waits for, the migration, what follows it and the other one-shots, in
    containers of the new image. Each has a time limit and a log in the release's folder. When one fails, the next ones
    do not run and the color does not start.
  - Before a migration of a database on the shared server, the module runs the stack's check for a pending migration,
    ends the sessions of an interrupted one, makes a backup and verifies it. The migration runs under its own login and
    with a lock timeout; after a lock timeout it runs again. Afterwards the module checks the indexes and the schema.
  - With the kind C(expand) the old color keeps serving and must pass its own gates on the new schema. With C(breaking)
    and C(contract) the proxy holds requests, the old color stops, other logins are disabled, and the migration is
    rehearsed on the restored backup.
  - With the strategy C(recreate) the proxy holds new requests, requests in flight finish, and the live color and the
    workers stop before the new version starts. The proxy holds a request as long as the role C(proxy) allows, then the
    client gets the maintenance page.
  - Runs the steps of a canary, then the health and smoke gates, switches all routes of the stack, confirms the switch
    with requests through the proxy, replaces and watches the workers, records the release, and releases the lock. A
    canary that pauses keeps its clients; O(mode=promote) continues it.
  - With C(watch) in the stack, watches the requests and containers of the release in each step of a canary and before
    it is recorded. A release that is worse than the old color is reverted; M(switchyard.stacks.watch) describes it.
  - When a step fails, the same process reverts the release, and then the module fails with the cause. Traffic moves
    back first, then the workers, and what the release started is removed. A migration of the kind C(breaking) or
    C(contract) is undone by restoring the backup from before it, as long as the new version was not live; after that,
    the release stays live.
  - The work continues when the connection to the controller is lost. The release is then finished or reverted without
    it, and the next run waits for that. SIGTERM to the process that the lock names reverts the release.
  - Ends the one-off commands and the migration of an interrupted release first.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.action
  - switchyard.stacks.context
  - switchyard.stacks.context.lock
  - switchyard.stacks.context.registries
attributes:
  check_mode:
    support: full
    details: Returns the plan, and what of the files changes.
  diff_mode:
    support: full
    details: Values of environment variables are shown as digests.
  idempotent:
    support: full
    details: The one-off commands run with each release.
  async:
    support: none
    details: The action prints the summary.
options:
  mode:
    description:
      - What the release does.
    type: str
    choices: [deploy, rollback, promote]
    default: deploy
  stack:
    description:
      - One of the stacks that M(switchyard.stacks.preflight) returned.
    type: dict
    required: true
    suboptions:
      definition:
        description:
          - A stack of the inventory with all defaults, without its secrets.
        type: dict
        required: true
      sources:
        description:
          - The stack's Compose files and what Compose reads with them, by relative name. Filled in by the action.
        type: dict
        default: {}
      tree:
        description:
          - The files that containers of the stack mount, by relative name. Filled in by the action.
        type: dict
        default: {}
      inventory_path:
        description:
          - Path of the stack in the inventory, for messages.
        type: str
        required: true
      contexts:
        description:
          - Digests of the folders that images are built from, by relative name.
        type: dict
        default: {}
      commit:
        description:
          - Commit of the files, when they are from a Git repository.
        type: str
  secrets:
    description:
      - The stack's secrets by name. They become files that only the user of the containers can read.
    type: dict
    default: {}
  archive:
    description:
      - A file on the server with those mounted files of the stack that it does not have. Filled in by the action.
    type: path
  builds:
    description:
      - The images to build, as M(switchyard.stacks.preflight) returned them for this stack. Used on the controller.
    type: dict
    default: {}
  build_archive:
    description:
      - A file on the server with the source of the images, or with the images. Filled in by the action.
    type: path
  back:
    description:
      - The command that rolls the stack back, for the summary. Used on the controller.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Look before anything changes
  switchyard.stacks.preflight:
    project: po
    environment: prod
  register: preflight

- name: Release the first stack
  switchyard.stacks.release:
    project: po
    environment: prod
    stack: "{{ preflight.stacks[0] }}"
    lock_holder: "{{ preflight.lock_holder }}"
    lock_process: "{{ preflight.lock_process }}"
"""

RETURN = r"""
plan:
  description: What was decided under the lock, as M(switchyard.stacks.preflight) returns it.
  returned: success
  type: dict
recovery_action:
  description: What was done about the migration of an interrupted release.
  returned: success, not in check mode
  type: str
summary:
  description: What was done, in a few lines; the screen shows them.
  returned: success, not in check mode
  type: list
  elements: str
release:
  description: Number of the release.
  returned: when a release was made, also when it failed
  type: int
version:
  description: The tags of the images of its routed services.
  returned: when a release was made
  type: str
  sample: 2.0.0
previous_release:
  description: Number of the release that was live before.
  returned: when a release was made
  type: int
color:
  description: The color of the release.
  returned: when a release was made
  type: str
live:
  description: The color that is live now.
  returned: when a release was made, failed, or was cancelled as a canary
  type: str
paused:
  description: Whether the release is a canary that waits for an operator.
  returned: when a release was made
  type: bool
percent:
  description: Percentage of the clients that a paused canary has; V(0) without one.
  returned: when a release was made
  type: int
steps:
  description: The steps with their C(name), C(started) and C(ended) in seconds since the epoch, and C(result).
  returned: when a release was made
  type: list
  elements: dict
jobs:
  description: The commands that ran, with their exit codes and seconds.
  returned: when a release was made
  type: list
  elements: dict
migration:
  description: >-
    What was done about the migration. C(pending) is whether there was one, C(backup) the name of the backup,
    C(attempts) how often the command ran, C(rehearsal_seconds) how long the rehearsal took, and C(ended_sessions)
    the sessions of an interrupted migration that were ended.
  returned: when a release was made
  type: dict
stopped:
  description: The color that was stopped first, for the strategy C(recreate) or a migration that requires it.
  returned: when a release was made
  type: str
warnings_found:
  description: >-
    A warning for each dependency that failed and that the Compose file does not require (C(required=false)), for each
    accessory that does not keep running, for a first release that is worse than its watch gate allows, and for what
    could not be cleaned up.
  returned: when a release was made
  type: list
  elements: str
image_seconds:
  description: How long images were pulled and built.
  returned: when a release was made
  type: float
gate_seconds:
  description: Seconds until the health and smoke gates passed.
  returned: when a release was made
  type: float
switch_seconds:
  description: Seconds from the command until every route answered with the color.
  returned: when a release was made
  type: float
watched:
  description: >-
    What the last watch gate found: its C(outcome), C(message) and C(seconds), and the figures of the C(new) and the
    C(old) color, as M(switchyard.stacks.watch) returns them; null without one.
  returned: when a release was made
  type: dict
release_seconds:
  description: Seconds since the release took its lock; V(0) for a paused canary.
  returned: when a release was made
  type: float
requests:
  description: How many requests confirmed the switch.
  returned: when a release was made
  type: int
dropped_requests:
  description: Requests and connections of old containers that did not end at their drain limit.
  returned: when a release was made
  type: int
canary_cancelled:
  description: Whether a canary was cancelled, after which there is nothing left to do.
  returned: when a canary was cancelled
  type: bool
live_before:
  description: The color that was live before.
  returned: when a release failed
  type: str
traffic_reverted:
  description: Whether traffic was sent back to the previous release.
  returned: when a release failed, or was cancelled as a canary
  type: bool
workers_reverted:
  description: Whether the workers of the previous release were started again.
  returned: when a release failed, or was cancelled as a canary
  type: bool
error_rate:
  description: Share of failed requests of the release.
  returned: when the watch gate failed
  type: float
p99_ms:
  description: 99th percentile of the release in milliseconds.
  returned: when the watch gate failed
  type: int
noticed_seconds:
  description: Seconds from the switch, or from the begin of a canary's step, to the failure of the watch gate.
  returned: when the watch gate failed
  type: float
back_seconds:
  description: Seconds until the traffic was back after that; null where only the revert moved it.
  returned: when the watch gate failed
  type: float
database:
  description: What was done about the database, when a migration was in progress.
  returned: when a release failed, or was cancelled as a canary
  type: str
revert_error:
  description: Why the release could not be reverted.
  returned: when a release failed and was not reverted
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import lock, preview, segment, stack_input


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "mode": {"type": "str", "choices": ["deploy", "rollback", "promote"], "default": "deploy"},
            "stack": {
                "type": "dict",
                "required": True,
                "options": module_args.STACK_INPUT_OPTIONS,
            },
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            **module_args.LOCK_OPTIONS,
            "archive": {"type": "path"},
            "builds": {"type": "dict", "default": {}},
            "build_archive": {"type": "path"},
            "back": {"type": "str", "default": ""},
            **module_args.REGISTRY_OPTIONS,
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        given = stack_input.StackInput.from_module(
            params["stack"], params["secrets"], params["archive"], params["build_archive"]
        )
        ctx = module_args.host_context(module).stack(given.stack.name)
        if module.check_mode:
            return module_args.to_result(preview.preview_release(ctx, given, params["mode"]))
        process = lock.ControllerProcess(**params["lock_process"]) if params["lock_process"] else None
        lock_options = (params["lock_holder"], process, params["stale_token"], params["lock_wait"])
        request = segment.ReleaseRequest(given, params["mode"], *lock_options)
        return module_args.to_result(segment.run_segment(ctx, request))

    module_args.run_module(module, work, detached=not module.check_mode)


if __name__ == "__main__":
    main()
