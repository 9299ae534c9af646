# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proposes an inventory for an application from its Compose files, and writes it. Runs on the controller only."""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path

from ansible import context
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.config.grammar import host_mistake
from ansible_collections.switchyard.stacks.plugins.module_utils.config.schema import LONGEST_NAME
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem, report
from ansible_collections.switchyard.stacks.plugins.plugin_utils import playbook_command
from ansible_collections.switchyard.stacks.plugins.plugin_utils.failure import failure
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.application import read_application
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.file_changes import (
    plan_changes,
    write_changes,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.inventory_files import (
    ANSIBLE_CFG,
    inventory_files,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.stack_proposal import propose_stack
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.summary import (
    NEXT,
    placeholders,
    summary,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.request import stack_names

HEADING = "Nothing was written. These problems prevent it"

# A name, as in the configuration of SSH too, or an address.
ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*\Z")

display = Display()


class ActionModule(ActionBase):
    """Read the Compose files, decide the inventory, and write it."""

    _VALID_ARGS = frozenset({"name", "compose", "project", "environment", "folder", "server", "domain", "overwrite"})
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the files with what happened to each, the diff, and what to fill in."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = {name: value for name, value in self._task.args.items() if value is not None}
        start = Path.cwd()
        name, environment = str(args.get("name") or ""), str(args.get("environment") or "prod")
        project = str(args.get("project") or name.replace("_", "-"))
        domain, server = str(args.get("domain") or ""), str(args.get("server") or "")
        problems = name_problems(name, project, environment) + address_problems(server, domain)
        app, found = read_application(stack_names(args.get("compose")), name or "new", environment, start)
        problems += found
        if problems or not app:
            raise failure(report(problems, HEADING))
        top = Path(os.path.normpath(start / Path(str(args.get("folder") or ".")).expanduser()))
        inventory = top / "inventories" / environment
        proposal = propose_stack(app, name, project, environment, domain, inventory)
        texts = inventory_files(proposal, os.path.relpath(app.folder, inventory), server)
        files = {top / "ansible.cfg": ANSIBLE_CFG, **{inventory / path: text for path, text in texts.items()}}
        changes, problems = plan_changes(files, boolean(args.get("overwrite", False)))
        if problems:
            raise failure(report(problems, HEADING))
        if not self._task.check_mode:
            try:
                write_changes(changes)
            except OSError as error:
                problem = Problem(str(error.filename or top), f"cannot be written ({error.strerror})", "", "new.folder")
                raise failure(report([problem], "Not all files were written")) from error
        options = {**context.CLIARGS, "inventory": [str(inventory)]}
        commands = {one: playbook_command.command(one, options, start) for _purpose, one in NEXT}
        display.display(summary(proposal, changes, commands, start, bool(self._task.check_mode)))
        return {
            **result,
            "changed": any(change.changes for change in changes),
            "files": [{"path": str(change.path), "action": change.action} for change in changes],
            "placeholders": [
                {"path": str(path), "line": number, "placeholder": text} for path, number, text in placeholders(changes)
            ],
            "next": commands,
            "diff": [
                {
                    "before": change.before or "",
                    "after": change.after,
                    "before_header": str(change.path),
                    "after_header": str(change.path),
                }
                for change in changes
                if change.changes
            ],
        }


def name_problems(name: str, project: str, environment: str) -> list[Problem]:
    """Return what is wrong with the names of the stack, its project and its environment."""
    problems = []
    hint = "Write lower case, digits, - and _, such as -e name=shop"
    if not name:
        problems.append(Problem("-e name", "is missing", "Write -e name=shop, the name of the application", "new.name"))
    elif not names.NAME_PART.match(name):
        problems.append(Problem("-e name", f"{name!r} is not a valid name", hint, "new.name"))
    elif len(names.login(name, environment, "migrator")) > LONGEST_NAME:
        problems.append(Problem("-e name", f"{name!r} is too long", "Write a shorter one", "new.name"))
    for variable, value in (("switchyard_project", project), ("switchyard_environment", environment)):
        is_valid = names.NAME_PART.match(value) and "_" not in value
        # The name of the stack is reported above.
        if value and not is_valid and not (variable == "switchyard_project" and value == name.replace("_", "-")):
            message, hint = f"{value!r} is not a valid name", "Write lower case, digits and -"
            problems.append(Problem(f"-e {variable}", message, hint, "new.name"))
    return problems


def address_problems(server: str, domain: str) -> list[Problem]:
    """Return what is wrong with the address of the server, and with the domain; both may be empty."""
    problems = []
    if server and not ADDRESS.match(server):
        hint = "Write a name or an address only, such as app1.example.org; the login is ansible_user in hosts.yml"
        problems.append(Problem("-e server", f"{server!r} is not a valid name of a server", hint, "new.name"))
    mistake = host_mistake(domain) if domain else None
    if mistake:
        problems.append(Problem("-e domain", *mistake, code="new.name"))
    return problems
