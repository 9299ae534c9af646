#!/usr/bin/python
# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_report
short_description: Report what preflight found on all servers, worst first
description:
  - Merges the results of M(switchyard.stacks.preflight) of all servers of a play into one report. It has each problem
    once, errors before warnings before notices.
  - Shows the report, writes it to a file if wanted, and fails where it has errors.
  - Runs on the controller only.
author:
  - The switchyard.stacks contributors (@switchyard)
extends_documentation_fragment:
  - switchyard.stacks.attributes
  - switchyard.stacks.attributes.info_module
  - switchyard.stacks.context
options:
  results:
    description:
      - Name of the variable in which each server has its result of M(switchyard.stacks.preflight). Without it, only
        O(path) is checked.
    type: str
    default: ""
  detail:
    description:
      - V(full) shows everything. V(short) shows errors and warnings, and counts the notices.
    type: str
    choices: [full, short]
    default: full
  path:
    description:
      - File of the controller for the report, as text (C(.txt)), JSON (C(.json)) or JUnit (C(.xml)). A relative path
        starts at the current folder.
      - In JUnit, an error is a failure, a warning a skipped test, and a notice a test that passes.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Report what was found
  switchyard.stacks.preflight_report:
    project: po
    environment: prod
    results: preflight
    path: preflight.xml
  run_once: true
"""

RETURN = r"""
counts:
  description: The numbers of C(errors), C(warnings) and C(notices).
  returned: with O(results)
  type: dict
  sample: {"errors": 0, "warnings": 1, "notices": 12}
"""
