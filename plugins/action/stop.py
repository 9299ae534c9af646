# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop with a message that the screen shows once."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.switchyard.stacks.plugins.plugin_utils.failure import failure


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _VALID_ARGS = frozenset({"msg"})
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> t.NoReturn:
        """Fail with the message."""
        super().run(tmp, task_vars)
        raise failure(str(self._task.args.get("msg") or "Stopped"))
