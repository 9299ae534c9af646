# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of release_start: how far its backup and its migration are."""

from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.plugin_utils.progress import ProgressAction


class ActionModule(ProgressAction):
    """Run the module, and show how far it is when it takes long."""

    releases = True
