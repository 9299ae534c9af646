# Copyright (c) 2026 Switchyard contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection documents about itself in the same words.

A module extends C(switchyard.stacks.attributes) and C(switchyard.stacks.attributes.actiongroup_stacks),
and adds what it supports: each attribute needs its own C(support).
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return what it would change, without changing it.
  diff_mode:
    description: Returns what it changed, or would change in check mode, as a diff.
  idempotent:
    description: When run twice in a row with the same parameters, the second run changes nothing.
  platform:
    description: The operating systems that the module runs on.
    platforms: posix
    support: full
"""

    ACTIONGROUP_STACKS = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/switchyard.stacks.stacks) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - switchyard.stacks.stacks
"""

    ACTION = r"""
options: {}
attributes:
  action:
    description: Has an action plugin that does a part of the work on the controller.
    support: full
    details:
      - While the module works longer than 5 seconds, the controller shows on standard error how far it is. That is rows
        or bytes that are done, of how many, and how many a second; of a migration it is the time.
      - The lines come through a second connection that is as the task's. Where there can be none, nothing is shown, and
        the module goes on.
      - The variable C(switchyard_progress) is the number of seconds before the first line and between two; with V(0)
        nothing is shown. Nothing is shown in check mode, and of tasks with C(async).
  async:
    description: Can run with C(async).
    support: full
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: This module only reads.
  diff_mode:
    support: N/A
    details: This module only reads.
  idempotent:
    support: full
    details: This module only reads.
"""
