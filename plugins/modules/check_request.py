#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check_request
short_description: Check the tags, the words and the stacks of a command
description:
  - The first task of each playbook of this collection. It runs on the controller only.
  - "Refuses, in one message: C(--tags) that select no task, a C(stack) that the inventory does not have, extra
    variables that have no effect and almost the name of one that has, and links of the inventory that lead nowhere."
  - Warns of other extra variables without effect, and of misspelt variables of this collection.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.info_module
options:
  variable:
    description:
      - Name of the variable that holds the list of stacks. Only their names are evaluated.
    type: str
    default: switchyard_stacks
  preflight_follows:
    description:
      - Whether M(switchyard.stacks.preflight) follows, which reports stacks and extra variables with all other
        problems.
    type: bool
    default: false
  retired_stacks:
    description:
      - Whether C(stack) may name stacks that only the servers have.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Check the command
  switchyard.stacks.check_request:
  register: request
  run_once: true
  tags: [always]
"""

RETURN = r"""
stacks:
  description: Names of the stacks that the extra variable C(stack) has, as a comma list or a list; empty means all.
  returned: success
  type: list
  elements: str
  sample: [shop, blog]
"""
