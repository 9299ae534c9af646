# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of unlock: whether the Ansible processes that hold the locks run on this machine."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils.cached_module import CachedModuleAction
from ansible_collections.switchyard.stacks.plugins.plugin_utils.lock_holder import own_process, state_of

MODULE = "switchyard.stacks.unlock"


class ActionModule(CachedModuleAction):
    """Ask for the locks, look for their processes, and run the module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the module's result."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args, own = dict(self._task.args), own_process(os.environ)
        everything = {key: value for key, value in args.items() if key not in ("stacks", "force")}
        seen = self._execute_module(module_name=MODULE, module_args=everything, task_vars=task_vars)
        if seen.get("failed"):
            return {**result, **seen}
        args["controllers"] = {
            one["stack"]: {"token": one["lock"]["token"], "state": state_of(one["lock"]["process"], own)}
            for one in seen["locks"]
        }
        result.update(self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars))
        if self._connection._shell.tmpdir:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
