# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the tags, the words and the stacks of a command, before anything else of a playbook."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import report
from ansible_collections.switchyard.stacks.plugins.plugin_utils import request
from ansible_collections.switchyard.stacks.plugins.plugin_utils.extra_variables import (
    misspelt_extra_variables,
    typed_variables,
    variables_by_stack,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.failure import failure
from ansible_collections.switchyard.stacks.plugins.plugin_utils.known_variables import misspelt_variables
from ansible_collections.switchyard.stacks.plugins.plugin_utils.requested_stacks import inventory_names


class ActionModule(ActionBase):
    """Runs on the controller only."""

    _VALID_ARGS = frozenset({"variable", "preflight_follows", "retired_stacks"})
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the names of the stacks; all problems fail the task together."""
        variables = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, variables)
        args = self._task.args
        variable = args.get("variable", "switchyard_stacks")
        problems = request.tag_problems(variables.get("ansible_run_tags") or ["all"], self._task.tags)
        problems += request.link_problems(variables.get("inventory_dir"))
        given = self._templar.template(variables.get("stack"))
        if not args.get("preflight_follows"):
            if given is not None and not (args.get("retired_stacks") and request.stack_names(given)):
                problems += request.stack_problems(given, inventory_names(self._templar, variable, variables))
            used = set().union(*variables_by_stack(variables.get(variable), variables).values())
            found, warnings = misspelt_extra_variables(typed_variables(self._loader), used, variables)
            problems += found
            result["warnings"] = [*misspelt_variables(variables), *warnings]
        if problems:
            raise failure(report(problems, "Nothing was changed. These problems prevent it"))
        return {**result, "changed": False, "stacks": request.stack_names(given)}
