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
    description: Can run in check mode and tell what it would change, without changing it.
  diff_mode:
    description: Tells what it changed, or would change in check mode, as a diff.
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
