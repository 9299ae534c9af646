#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: new_inventory
short_description: Propose an inventory for an application from its Compose files
description:
  - Reads the Compose files of an application on the controller, with C(docker compose config), and writes an inventory
    for it. That is C(ansible.cfg) where the folder has none, and C(hosts.yml), C(main.yml), C(stacks.yml) and
    C(vault.yml) below C(inventories/<environment>).
  - Proposes a role for each service. Every guess has its reason in a comment, and a value that the files do not say is
    a placeholder, which M(switchyard.stacks.preflight) refuses.
  - Runs on the controller only, and needs no server.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description:
      - Name of the stack, in lower case.
    type: str
    required: true
  compose:
    description:
      - Folder of the Compose files, or the files themselves. A relative path starts at the current folder.
      - Of a folder, these are the files that C(COMPOSE_FILE) in its C(.env) names, or the default one and one with the
        name of the environment, such as C(docker-compose.prod.yml).
    type: list
    elements: str
    required: true
  folder:
    description:
      - Folder of C(ansible.cfg) and C(inventories). Only files below it are written. A relative path starts at the
        current folder.
    type: str
    default: .
  project:
    description:
      - Prefix of each name on the server. Without it, the name of the stack.
    type: str
    default: ""
  environment:
    description:
      - Name of the environment.
    type: str
    default: prod
  server:
    description:
      - Name or address of the server. Without it, the inventory has a placeholder.
    type: str
    default: ""
  domain:
    description:
      - Domain of the routes, such as V(example.org). Without it, the inventory has placeholders.
    type: str
    default: ""
  overwrite:
    description:
      - Whether files that exist with another content are replaced. Without it they are a problem, and no file is
        written.
      - C(ansible.cfg) and C(vault.yml) are never replaced.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write inventories/prod for the application in ../shop
  switchyard.stacks.new_inventory:
    name: shop
    compose: [../shop]
"""

RETURN = r"""
files:
  description: The files of the inventory. Each is C(created), C(replaced), C(unchanged) or C(kept).
  returned: success
  type: list
  elements: dict
  sample: [{path: /srv/deploy/inventories/prod/hosts.yml, action: created}]
placeholders:
  description: The values to fill in, with the file and the line of each.
  returned: success
  type: list
  elements: dict
  sample:
    - path: /srv/deploy/inventories/prod/hosts.yml
      line: 6
      placeholder: "<fill in: the name or the address of the server>"
next:
  description: The next commands by the names of their playbooks.
  returned: success
  type: dict
  sample: {preflight: ansible-playbook switchyard.stacks.preflight -i inventories/prod}
"""
