# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of postgres_backup: shows the progress of the dump and its verification."""

from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.plugin_utils.progress import ProgressAction


class ActionModule(ProgressAction):
    """Run the module, and show its progress when it takes long."""
