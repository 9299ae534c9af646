#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_replace
short_description: Replace our proxy behind an existing Traefik without a dropped request
description:
  - The proxy is an HAProxy behind an existing Traefik, which finds it by its labels. A second container, whose name
    ends in C(-next), starts with the same files. When it is healthy and Traefik knows it, the first one becomes
    unhealthy, so that Traefik sends it no new request. When it has no request in flight, it is removed, and the second
    one takes its name.
  - No release changes the proxy in that time. The next run finishes or undoes what an interrupted one left.
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
  start_replacement:
    description:
      - Whether the container with C(-next), which was created and never started, replaces the proxy. Otherwise that
        container is removed, and only an interrupted replacement is finished.
    type: bool
    default: false
  provider_delay:
    description:
      - Seconds that Traefik may need to follow Docker; more than its C(providersThrottleDuration).
    type: float
    default: 5
  drain:
    description:
      - Seconds that requests in flight get after that. Connections that do not end, such as WebSockets, are then
        closed.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Replace the proxy behind Traefik
  switchyard.stacks.proxy_replace:
    project: po
    environment: prod
    start_replacement: true
"""

RETURN = r"""
steps:
  description: The steps, in their order.
  returned: success
  type: list
  elements: str
  sample: [enter, leave, rename]
dropped_requests:
  description: The number of requests that were still in flight when O(drain) was over.
  returned: success
  type: int
  sample: 0
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, names, paths
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik.replace import RollingReplacement


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "start_replacement": {"type": "bool", "default": False},
            "provider_delay": {"type": "float", "default": 5},
            "drain": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        name = names.shared(host.project, "proxy")
        replacement = RollingReplacement(
            paths.proxy_folder(host.root), name, host.engine, params["provider_delay"], params["drain"]
        )
        steps = replacement.execute(params["start_replacement"], module.check_mode)
        diff = {"before": "".join(f"{step}\n" for step in steps), "after": "", "before_header": f"steps of {name}"}
        return {
            "changed": bool(steps),
            "steps": steps,
            "dropped_requests": replacement.dropped_requests,
            "diff": diff,
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
