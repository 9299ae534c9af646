#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: watch
short_description: Watch the requests and containers of a release that has clients
description:
  - Reads the proxy's log while it watches, and looks at the containers each second.
  - A release is worse than allowed when more of its requests fail than O(max_error_rate) says, or when 1 % of them take
    longer than O(max_p99_ms), and when it is also worse than the old color. In a canary, the old color's requests of
    the same time count. After a switch those of the time before count, as long as the watch, at least 60 and at most
    600 seconds, and then the old color's answers to the newest GET requests of clients, which the module sends again
    (O(ask_old_color)). So a fault of a third party that both colors have reverts nothing.
  - A container that ends, restarts or needs more memory than its limit is a failure at once.
  - On a failure the clients go back to the old color, then the module fails with its figures. The first release of a
    stack has no way back and stays live.
  - Watches the canary while it has clients, otherwise the live release. M(switchyard.stacks.release) does the same with
    a release of its own, and reverts the rest. This module fails while a release runs.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
  - switchyard.stacks.context.stack
attributes:
  check_mode:
    support: none
    details: Only the requests of clients show whether the release is good.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call waits for its seconds.
options:
  seconds:
    description:
      - How long it watches. This option and the next ones have the values of C(watch) of the stack by default.
    type: float
  max_error_rate:
    description:
      - Share of failed requests, from 0 to 1; an answer of 500 or more, no answer, and one that ends early are failed.
    type: float
  max_p99_ms:
    description:
      - Milliseconds until the application's answer begins, for 99 % of the requests; V(0) for no limit.
    type: int
  min_requests:
    description:
      - Fewer requests say nothing.
    type: int
  interval:
    description:
      - Seconds between two looks at the figures.
    type: float
  consecutive_failures:
    description:
      - How many looks in a row have to be bad.
    type: int
  on_no_data:
    description:
      - What too few requests mean. V(pause) is V(pass) in this module; in a release it pauses a canary.
    type: str
    choices: [pass, pause, fail]
  ask_old_color:
    description:
      - Whether GET requests of clients are sent to the old color again, without their query, cookies and other headers,
        when a release is worse than its limits.
    type: bool
"""

EXAMPLES = r"""
- name: Watch what is live
  switchyard.stacks.watch:
    project: po
    environment: prod
    stack: bookings
    seconds: 120
    max_error_rate: 0.01
    max_p99_ms: 2000
"""

RETURN = r"""
outcome:
  description:
    - V(good), V(no_data) with too few requests, or V(no_way_back) for a first release that is worse than allowed.
  returned: success
  type: str
message:
  description: The figures in a sentence.
  returned: success
  type: str
seconds:
  description: How long it watched.
  returned: success
  type: float
new:
  description: The figures of the release, its C(requests), how many of them C(failed), and C(p99_ms) in milliseconds.
  returned: success
  type: dict
old:
  description: The same of the old color; null with too few requests to compare.
  returned: success
  type: dict
noticed_seconds:
  description: Seconds from the begin of the watch to the failure.
  returned: failure
  type: float
back_seconds:
  description: Seconds until the traffic was back after that; null where the old color does not run.
  returned: failure
  type: float
traffic_back:
  description: Whether the traffic is back.
  returned: failure
  type: bool
error_rate:
  description: Share of failed requests of the release.
  returned: failure
  type: float
p99_ms:
  description: 99th percentile of the release in milliseconds.
  returned: failure
  type: int
requests:
  description: Requests that these figures are of.
  returned: failure
  type: int
"""

from dataclasses import replace

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, names
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import WatchSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import watch

OPTIONS = {
    "seconds": {"type": "float"},
    "max_error_rate": {"type": "float"},
    "max_p99_ms": {"type": "int"},
    "min_requests": {"type": "int"},
    "interval": {"type": "float"},
    "consecutive_failures": {"type": "int"},
    "on_no_data": {"type": "str", "choices": ["pass", "pause", "fail"]},
    "ask_old_color": {"type": "bool"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.STACK_OPTIONS,
            **OPTIONS,
        },
    )
    params = module.params

    def work() -> dict[str, object]:
        ctx = module_args.stack_context(module)
        live = ctx.live()
        canary = bool(live and ctx.proxy.read().weights.get(ctx.key))
        number = ctx.release_on(names.other(str(live)) if canary else live)
        if not number:
            raise SwitchyardError(f"{ctx.stack} ({ctx.environment}) has no live release.", hint="Deploy it first.")
        record = ctx.records.require(number)
        chosen = {name: params[name] for name in OPTIONS if params[name] is not None}
        spec = replace(record.stack.watch or WatchSpec(), **chosen)
        return {**module_args.to_result(watch.Watch(ctx, record, spec, canary=canary).run()), "changed": False}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
