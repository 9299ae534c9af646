#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find everything that prevents a release, before anything changes
description:
  - Checks the inventory, the Compose files and the server in one pass and reports all problems together.
  - Says what a release would do with each stack. Changes nothing.
  - Runs as an action, so that the Compose files are read on the controller and an unreachable server is a problem
    like any other.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
  - switchyard.stacks.context.registries
options:
  variable:
    description:
      - Name of the variable that holds the list of stacks. Its values are templated one by one, so that each one that
        is missing is reported.
    type: str
    default: switchyard_stacks
  mode:
    description:
      - V(deploy) plans to make what the inventory says live.
      - V(rollback) plans to make the release before the live one live again, or to take a canary from its clients.
      - V(promote) plans to continue a canary that waits for an operator.
    type: str
    choices: [deploy, rollback, promote]
    default: deploy
  only:
    description:
      - Names of the stacks to look at, also as one text (V(a,b)); all of them when it is empty.
    type: list
    elements: str
    default: []
  accept_downgrade:
    description:
      - Whether a version that is older than the live one needs no confirmation.
    type: bool
    default: false
  min_free_mb:
    description:
      - Mebibytes that must be free where images and releases are kept.
    type: int
    default: 1024
  dns:
    description:
      - What it means when the host name of a route does not lead to this server in DNS. V(off) asks nothing.
      - The server looks the names up, for two seconds at most. Without an answer, nothing is reported.
    type: str
    choices: [warning, error, "off"]
    default: warning
  addresses:
    description:
      - Addresses that lead to this server in addition to its own, such as those of a load balancer. The action adds
        those of the host in the inventory.
    type: list
    elements: str
    default: []
  thorough:
    description:
      - Whether to run the checks that take a process of their own too, which are the version of Compose and the
        connections of PostgreSQL.
    type: bool
    default: false
  redis_databases:
    description:
      - Number of databases of Redis.
    type: int
    default: 16
  accept_server_change:
    description:
      - Whether to release with another value than the inventory's where the environments of the server share it.
    type: bool
    default: false
  inventory:
    description:
      - All stacks of the inventory, and its settings of the server. Filled in by the action.
    type: dict
    default: {}
  stacks:
    description:
      - The checked stacks with their files. Filled in by the action.
    type: list
    elements: dict
    default: []
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
      - Secrets by stack and name. Filled in by the action.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Look before anything changes
  switchyard.stacks.preflight:
    project: po
    environment: prod
  register: preflight
"""

RETURN = r"""
problems:
  description: Every problem in the order it was found, each with a C(code) that stays the same across versions.
  returned: always
  type: list
  elements: dict
  sample:
    - where: switchyard_stacks[bookings].rotes
      file: inventories/prod/group_vars/all.yml:12
      message: unknown key
      hint: Did you mean 'routes'?
      code: inventory.key_unknown
      severity: error
problem_warnings:
  description: Problems that do not prevent a release, in the same form.
  returned: always
  type: list
  elements: dict
time:
  description: Time of the server in seconds since the epoch.
  returned: when the server answers
  type: float
plans:
  description: What a release would do with each stack that could be looked at.
  returned: always
  type: list
  elements: dict
  contains:
    stack:
      description: Name of the stack.
      type: str
    action:
      description: V(none), V(release), V(rollback), V(promote), V(cancel_canary) or V(in_place).
      type: str
    changed:
      description: Whether there is anything to do.
      type: bool
    color:
      description: The color that would be live afterwards.
      type: str
    live:
      description: The color that is live now.
      type: str
    target:
      description: The release that a rollback returns to.
      type: int
    reasons:
      description: Why there is something to do.
      type: list
      elements: str
    recreates:
      description: Running accessories that the release recreates, because their definition, secrets or files changed.
      type: list
      elements: str
    downgrades:
      description: "What becomes older than it is live: a name, the live version and the older version."
      type: list
      elements: str
    live_commit:
      description: Commit of the files of the live release, where they are from a Git repository.
      type: str
    live_release:
      description: The live release with its C(number), C(version), C(since) in seconds since the epoch, and C(holder).
      type: dict
questions:
  description:
    - What has to be confirmed before a deploy, in the form of a problem. These are older versions than the live ones,
      and changes of live stacks that the extra variables of the command are not about.
  returned: always
  type: list
  elements: dict
  sample:
    - where: switchyard_stacks[shop]
      message: "older than the live version: registry.example.org/shop: 2.0.0 -> 1.0.0"
      hint: "Correct the version, or add -e accept_downgrade=true; back to the release before: rollback.yml"
      code: release.downgrade
notices:
  description:
    - What a release changes in the Compose files, one line for each kind of change. A notice does not stop a release.
  returned: always
  type: list
  elements: dict
  contains:
    where:
      description: The Compose files of a stack, or another key of the stack.
      type: str
    message:
      description: The key, the services with their values in the file, and what a release does instead.
      type: str
    hint:
      description: What to write, where there is a choice.
      type: str
    code:
      description: The stable code of the notice.
      type: str
  sample:
    - where: switchyard_stacks[bookings].compose
      message: "ports of dns (53:53/udp), db (5432:5432/tcp): not published: only containers of the stack reach it"
left_overs:
  description: What the inventory no longer has, each with C(stack), C(message) and the C(command) that ends it.
  returned: always
  type: list
  elements: dict
skipped_checks:
  description:
    - Checks that did not run, because what they need does not answer. A problem names the cause.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: Name of the check.
      type: str
    where:
      description: The stack's path in the inventory, or C(server).
      type: str
    reason:
      description: What is missing.
      type: str
locks:
  description: The lock of each stack that is being released, with its C(holder), C(step), C(since) and C(until).
  returned: always
  type: dict
networks:
  description:
    - How many networks a release creates, and for how many more of the smallest size the server's pool has addresses
      after that.
  returned: O(mode=deploy), unless the engine does not answer
  type: dict
  sample: {created: 2, left: 1017}
missing_files:
  description: Content of mounted files that the server does not have, by stack.
  returned: always
  type: dict
stacks:
  description: The checked stacks, for M(switchyard.stacks.release).
  returned: always
  type: list
  elements: dict
lock_holder:
  description: Who runs this play, for the lock.
  returned: always
  type: str
lock_process:
  description: The C(user), C(machine) and C(id) of the Ansible process that runs this play, for the lock.
  returned: always
  type: dict
stale_tokens:
  description: Tokens of locks whose holder was a process of this controller that has ended, by stack.
  returned: always
  type: dict
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.inventory_facts import InventoryFacts
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "variable": {"type": "str", "default": "switchyard_stacks"},
            "mode": {"type": "str", "choices": ["deploy", "rollback", "promote"], "default": "deploy"},
            "only": {"type": "list", "elements": "str", "default": []},
            "accept_downgrade": {"type": "bool", "default": False},
            "min_free_mb": {"type": "int", "default": 1024},
            "dns": {"type": "str", "choices": ["warning", "error", "off"], "default": "warning"},
            "addresses": {"type": "list", "elements": "str", "default": []},
            "thorough": {"type": "bool", "default": False},
            "redis_databases": {"type": "int", "default": 16},
            "stacks": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": module_args.STACK_INPUT_OPTIONS,
            },
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "accept_server_change": {"type": "bool", "default": False},
            "inventory": {"type": "dict", "default": {}},
            **module_args.REGISTRY_OPTIONS,
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        secrets = params["secrets"]
        specs = [StackInput.from_module(item, secrets.get(item["definition"]["name"], {})) for item in params["stacks"]]
        host = module_args.host_context(module)
        given = {**params["inventory"], "accept_server_change": params["accept_server_change"]}
        checks = examine.PreflightOptions(
            min_free=params["min_free_mb"] * 2**20,
            **{key: params[key] for key in ("dns", "thorough", "redis_databases")},
            addresses=tuple(params["addresses"]),
            inventory=InventoryFacts.from_module(given, (host.project, host.environment), time.time()),
        )
        result = examine.run_preflight(host, specs, params["mode"], checks)
        return {**module_args.to_result(result), "changed": False, "time": time.time()}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
