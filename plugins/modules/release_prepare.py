#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_prepare
short_description: Prepare a release on the server without touching traffic
description:
  - Takes the stack's lock, pulls or builds missing images, renders a Compose project per color and writes the
    release's folder, creates networks and volumes, configures the routes in the proxy, and drains the idle color.
  - Starts the idle color when it does not wait for an accessory or a job.
  - For a rollback it prepares the previous release to run again.
  - Ends the one-off commands and the migration of an interrupted release first.
  - When it fails, the lock is released and the live color is the same as before.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
  - switchyard.stacks.context.registries
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Values of environment variables are shown as digests.
  idempotent:
    support: full
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
  lock_holder:
    description:
      - Who releases, for the messages of other users.
    type: str
    required: true
  lock_process:
    description:
      - The Ansible process that releases. The next run takes the lock over at once when that process has ended.
    type: dict
    suboptions:
      user:
        description:
          - User of the process.
        type: str
        required: true
      machine:
        description:
          - Name of the machine that it runs on.
        type: str
        required: true
      id:
        description:
          - Process id.
        type: int
        required: true
      operator:
        description:
          - Who started it, where that is not the user of the process, such as the user of a CI server.
        type: str
      job:
        description:
          - URL of the CI job.
        type: str
  lock_wait:
    description:
      - Seconds to wait for the lock while another run holds it. The screen shows for whom.
      - Without it, the module waits only for what a run has begun on the server whose controller has ended, for a
        minute at most.
    type: float
    default: 0
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
  stale_token:
    description:
      - Token of a lock whose holder is known to have ended; the release takes it over at once.
    type: int
"""

EXAMPLES = r"""
- name: Prepare the release
  switchyard.stacks.release_prepare:
    project: po
    environment: prod
    stack: "{{ preflight.stacks[0] }}"
    lock_holder: "{{ preflight.lock_holder }}"
    lock_process: "{{ preflight.lock_process }}"
  register: prepared
"""

RETURN = r"""
recovery_action:
  description: What was done about the migration of an interrupted release.
  returned: when not in check mode
  type: str
plan:
  description: What was decided under the lock, as M(switchyard.stacks.preflight) returns it.
  returned: always
  type: dict
release:
  description: Number of the release.
  returned: when there is something to do, not in check mode
  type: int
version:
  description: The tags of the images of its routed services.
  returned: when there is something to do, not in check mode
  type: str
  sample: 2.0.0
image_seconds:
  description: How long images were pulled and built.
  returned: when there is something to do, not in check mode
  type: float
previous_release:
  description: Number of the release that is live until the switch.
  returned: when there is something to do, not in check mode
  type: int
token:
  description: Fencing token of the lock, for the next steps.
  returned: when there is something to do, not in check mode
  type: int
color:
  description: The idle color that the release starts on.
  returned: when there is something to do, not in check mode
  type: str
folder:
  description: Folder of the release on the server.
  returned: when there is something to do, not in check mode
  type: str
started:
  description: >-
    Whether the color runs already: it was still running, or the release has no accessories and no jobs that come
    before it.
  returned: when there is something to do, not in check mode
  type: bool
dropped_requests:
  description: Requests that the old idle color still answered at its drain limit.
  returned: when there is something to do, not in check mode
  type: int
strategy:
  description: The strategy of the release, of its record for a rollback.
  returned: when there is something to do, not in check mode
  type: str
steps:
  description: >-
    The next steps of its canary, each with C(number), C(percent), C(seconds) and C(pause); none without a
    canary.
  returned: when there is something to do, not in check mode
  type: list
  elements: dict
pauses:
  description: Whether the last of these steps waits for an operator.
  returned: when there is something to do, not in check mode
  type: bool
canary_cancelled:
  description: Whether a canary was cancelled, after which there is nothing left to do.
  returned: when a canary was cancelled
  type: bool
parts:
  description: The Compose projects that the release has, of V(blue), V(green), V(workers), V(accessories), V(jobs).
  returned: when there is something to do, not in check mode
  type: list
  elements: str
projects:
  description: The name of each of these Compose projects.
  returned: when there is something to do, not in check mode
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import lock, prepare, stack_input


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
            return module_args.to_result(prepare.preview(ctx, given, params["mode"]))
        process = lock.ControllerProcess(**params["lock_process"]) if params["lock_process"] else None
        lock_options = (params["lock_holder"], params["stale_token"], process, params["lock_wait"])
        return module_args.to_result(prepare.start_release(ctx, given, params["mode"], *lock_options))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
