#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stop
short_description: Fail with a message of several lines that the screen shows once
description:
  - As M(ansible.builtin.fail), whose message Ansible shows twice. Here the error has the first line only, and the
    result of the task the whole message.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.info_module
options:
  msg:
    description:
      - The message.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Stop when there are problems
  switchyard.stacks.stop:
    msg: "{{ {'server1': preflight.problems} | switchyard.stacks.problem_report }}"
"""

RETURN = r""" # """
