#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_preflight
short_description: Report the problems of a proxy on a server before anything changes
description:
  - Reports a port that another process or container uses; a proxy of another project, or of another kind, in the same
    folder; and files in the proxy's folder that this collection did not write and that the proxy refuses.
  - Returns all problems, and does not fail because of them.
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
      - The ports of the server that the proxy listens on; none behind an existing Traefik.
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
  unit:
    description:
      - The systemd unit of a proxy that runs from a package; its own use of O(ports) is not a problem.
      - Without it, the proxy is a container.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Report what prevents a proxy on port 80
  switchyard.stacks.proxy_preflight:
    project: po
    environment: prod
    provider: haproxy
    ports: [{port: 80}]
  register: proxy
"""

RETURN = r"""
problems:
  description: All problems.
  returned: success
  type: list
  elements: dict
  sample:
    - where: proxy_http_port
      message: the port 80 is in use on 0.0.0.0 by apache2 (process 812)
      hint: Set another proxy_http_port or proxy_https_port, or ask its owner for the port
      code: proxy.port_in_use
notices:
  description: What an operator should know of the server, such as an engine that does not guard its containers.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import preflight
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.registry import PROVIDERS


def main() -> None:
    port = {"address": {"type": "str", "default": "0.0.0.0"}, "port": {"type": "int", "required": True}}
    module = AnsibleModule(
        argument_spec={
            **module_args.HOST_OPTIONS,
            "provider": {"type": "str", "choices": list(PROVIDERS), "required": True},
            "ports": {"type": "list", "elements": "dict", "default": [], "options": port},
            "unit": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    params = module.params

    def work() -> dict[str, object]:
        ports = tuple((each["address"], each["port"]) for each in params["ports"])
        request = preflight.ProxyRequest(params["provider"], ports, params["unit"])
        host = module_args.host_context(module)
        problems = preflight.run_preflight(host, request)
        return {
            "changed": False,
            "problems": [problem.as_dict() for problem in problems],
            "notices": preflight.notices(host.engine.version()),
        }

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
