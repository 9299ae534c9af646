# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of server_settings: the variables of the inventory and the defaults of the roles."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError

from ansible_collections.switchyard.stacks.plugins.plugin_utils.cached_module import CachedModuleAction
from ansible_collections.switchyard.stacks.plugins.plugin_utils.server_settings import operator, read_settings


class ActionModule(CachedModuleAction):
    """Read the inventory's settings of the server, and run the module of the same name with them."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the module's result."""
        task_vars = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        parts = args.pop("parts", None) or ()
        given = read_settings(self._templar, task_vars, parts, self._stacks(task_vars))
        args.update(settings=given.settings, unset=given.unset, operator=operator())
        result.update(
            self._execute_module(module_name="switchyard.stacks.server_settings", module_args=args, task_vars=task_vars)
        )
        if self._connection._shell.tmpdir:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _stacks(self, task_vars: dict[str, t.Any]) -> t.Any:
        """Return the inventory's stacks without their values: a version that only a release needs may be missing."""
        stacks = task_vars.get("switchyard_stacks")
        if not isinstance(stacks, str):
            return stacks
        try:
            return self._templar.template(stacks)
        except AnsibleError:
            # The roles compare their parts themselves.
            return []
