#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_replace
short_description: Replace the edge by a container beside it, without a dropped request
description:
  - The edge is an HAProxy behind a Traefik that stands already and finds it by its labels. A second container, with
    C(-next) behind the name, starts beside it. When it is healthy and Traefik knows it, the first one turns unhealthy,
    so that Traefik sends it nobody new. When nothing is in flight there it ends, and the second one takes its name.
  - No release changes the proxy meanwhile. Whatever a run that was killed left is ended or taken back by the next one.
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
  begin:
    description:
      - Whether a container beside the proxy that was made and never started is to take its place. Otherwise it goes,
        and only what was begun before is ended.
    type: bool
    default: false
  settle:
    description:
      - Seconds that Traefik may need until it follows Docker, by its C(providersThrottleDuration) and a little more.
    type: float
    default: 5
  drain:
    description:
      - Seconds that requests in flight get after that. What never ends by itself, as WebSockets, is then closed.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Let the new edge take the place of the old one
  switchyard.stacks.proxy_replace:
    project: po
    environment: prod
    begin: true
"""

RETURN = r"""
steps:
  description: What was done.
  returned: success
  type: list
  elements: str
  sample: [enter, leave, rename]
cut_off:
  description: How many requests were still in flight when their time was over.
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
            "begin": {"type": "bool", "default": False},
            "settle": {"type": "float", "default": 5},
            "drain": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        name = names.shared(host.project, "proxy")
        replacing = RollingReplacement(
            paths.proxy_folder(host.root), name, host.engine, params["settle"], params["drain"]
        )
        steps = replacing.carry_out(params["begin"], module.check_mode)
        diff = {"before": "".join(f"{step}\n" for step in steps), "after": "", "before_header": f"steps of {name}"}
        return {"changed": bool(steps), "steps": steps, "cut_off": replacing.cut_off, "diff": diff}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
