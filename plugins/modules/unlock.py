#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: unlock
short_description: Show the locks of stacks, and take them away
description:
  - Shows who holds the lock of each stack, since when and at which step, and what of that run is still at work.
  - Takes the locks of the named stacks away when nothing of their holders runs. Everything else stays as it is, so that
    the next run recovers as after an interrupted one.
  - A run whose lock was taken away fails at its next step, and changes nothing any more.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  stacks:
    description:
      - Names of the stacks whose locks are taken away. Empty shows all locks of the environment, and changes nothing.
    type: list
    elements: str
    default: []
  force:
    description:
      - Whether to take a lock away although its holder runs, or may run on another machine.
    type: bool
    default: false
  controllers:
    description:
      - What is known of the Ansible process of each lock, by stack. Filled in by the action.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the locks
  switchyard.stacks.unlock:
    project: po
    environment: prod
  register: locks

- name: Take the lock of a stack away
  switchyard.stacks.unlock:
    project: po
    environment: prod
    stacks: [shop]
"""

RETURN = r"""
locks:
  description: The locks that are held, and by whom.
  returned: success
  type: list
  elements: dict
  contains:
    stack:
      description: Name of the stack.
      type: str
    lock:
      description: The lock, as M(switchyard.stacks.stack_info) returns it.
      type: dict
    age:
      description: Seconds since it was taken.
      type: float
    job:
      description: URL of the CI job that holds it.
      type: str
    processes:
      description: The processes of its holder that run.
      type: list
      elements: str
    containers:
      description: The one-off commands of its holder that run.
      type: list
      elements: str
    controller:
      description: V(runs), V(ended) or V(unknown), for the Ansible process of its holder.
      type: str
    refusal:
      description: Why it is only taken away with O(force=true); null when nothing prevents it.
      type: str
    changed:
      description: Whether it was taken away.
      type: bool
    lines:
      description: The lock for the screen.
      type: list
      elements: str
"""

import time
from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import unlock


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "stacks": {"type": "list", "elements": "str", "default": []},
            "force": {"type": "bool", "default": False},
            "controllers": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        found = unlock.find_locks(host, params["stacks"], params["controllers"], time.time())
        if params["stacks"] and found:
            if not params["force"]:
                unlock.require_unlockable(found)
            found = [replace(one, changed=True) for one in found]
        for one in found:
            if one.changed and not module.check_mode:
                host.stack(one.stack).lock.take_away(one.lock.token)
        before = "".join(f"{one.lines[0]}\n" for one in found if one.changed)
        diff = {"before": before, "after": "", "before_header": "locks", "after_header": "locks"}
        return {"changed": bool(before), "locks": state_file.as_json(found), "diff": diff}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
