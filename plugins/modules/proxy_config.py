#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_config
short_description: Apply the proxy's base configuration without dropping requests
description:
  - Writes the role's part of the configuration; the parts of the stacks stay as they are.
  - A running proxy validates the new configuration first and loads it by a reload, which keeps connections and the
    addresses of its servers. A configuration that it refuses is not written.
  - A proxy that does not run yet reads the file when it starts.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.actiongroup_stacks
  - switchyard.stacks.context
attributes:
  check_mode:
    support: full
    details: The proxy does not validate the configuration in check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  content:
    description:
      - The whole configuration file.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Configure the proxy
  switchyard.stacks.proxy_config:
    project: po
    environment: prod
    content: "{{ lookup('ansible.builtin.template', 'haproxy.cfg.j2') }}"
"""

RETURN = r"""
running:
  description: Whether the proxy runs, and so loaded the configuration.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import base_config


def main() -> None:
    module = AnsibleModule(
        argument_spec={**module_args.HOST_OPTIONS, "content": {"type": "str", "required": True}},
        supports_check_mode=True,
    )

    def work() -> dict[str, object]:
        host = module_args.host_context(module)
        return module_args.to_result(base_config.apply_base_config(host, module.params["content"], module.check_mode))

    module_args.run_module(module, work)


if __name__ == "__main__":
    main()
