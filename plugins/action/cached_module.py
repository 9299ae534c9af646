# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of each module that needs nothing else there: sends the module's code only once.

``meta/runtime.yml`` leads the modules here.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as Normal

from ansible_collections.switchyard.stacks.plugins.plugin_utils.cached_module import CachedModuleAction


class ActionModule(CachedModuleAction, Normal):
    """Run the module of the task."""
