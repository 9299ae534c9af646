#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_preflight
short_description: Find what stands in the way of the proxy, before anything changes
description:
  - A port that somebody else holds, named with the process or container; a second proxy in the same folder, or one of
    another kind; a file in the proxy's folder that is not ours and that the proxy would refuse, in its own words.
  - Returns the problems and fails for none of them.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
options:
  provider:
    description:
      - The kind of proxy that the inventory asks for.
    type: str
    choices: [haproxy, nginx, traefik]
    required: true
  ports:
    description:
      - The ports of the server that the proxy publishes; none behind a Traefik that stands already.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description:
          - Address of the server, V(0.0.0.0) for all.
        type: str
        default: 0.0.0.0
      port:
        description:
          - The port.
        type: int
        required: true
"""

EXAMPLES = r"""
- name: Look before the proxy is put up
  switchyard.stacks.proxy_preflight:
    project: po
    environment: prod
    provider: haproxy
    ports: [{port: 80}]
  register: proxy
"""

RETURN = r"""
problems:
  description: Everything that stands in the way.
  returned: success
  type: list
  elements: dict
  sample:
    - where: proxy_http_port
      what: the port 80 is held on 0.0.0.0 by apache2 (process 812)
      instead: Write another port, or end what holds it
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import preflight


def main() -> None:
    port = {"address": {"type": "str", "default": "0.0.0.0"}, "port": {"type": "int", "required": True}}
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "provider": {"type": "str", "choices": ["haproxy", "nginx", "traefik"], "required": True},
            "ports": {"type": "list", "elements": "dict", "default": [], "options": port},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        ports = tuple((one["address"], one["port"]) for one in params["ports"])
        found = preflight.run_preflight(
            module_args.host_context(module), preflight.ProxyRequest(params["provider"], ports)
        )
        return {"changed": False, "problems": [problem.as_dict() for problem in found]}

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
