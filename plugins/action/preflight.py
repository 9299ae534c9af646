# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of preflight: the inventory and its files, and a server that cannot be reached.

The task itself never fails on a problem. It returns all of them, so that one message can hold those of every server.
"""

from __future__ import annotations

import getpass
import os
import socket
import typing as t
from dataclasses import replace

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import ControllerProcess
from ansible_collections.switchyard.stacks.plugins.plugin_utils.cached_module import CachedModuleAction
from ansible_collections.switchyard.stacks.plugins.plugin_utils.known_variables import misspelt_variables
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_files import StackFiles, read_stack_files
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_source import (
    StackSource,
    context_digests,
    open_source,
)

# The value in place of one that could not be templated, so that the rest of the stack can still be checked.
MISSING = "-not-set-"


class ActionModule(CachedModuleAction):
    """Check the inventory on the controller, then the server with the module of the same name."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return problems, plans, the checked stacks, and who runs this play."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        variable = args.setdefault("variable", "switchyard_stacks")
        problems: list[Problem] = []
        raw = self._templated(task_vars.get(variable), variable, problems)
        checked, found = validate.check(raw, args.get("project", ""), args.get("environment", ""), variable)
        # A value that could not be templated is reported already.
        problems += [problem for problem in found if MISSING not in problem.message]
        known = [item.stack.name for item in checked]
        only = args.get("only") or known
        problems += [
            Problem(
                "stacks",
                f"there is no stack {name}",
                f"Stacks are {', '.join(known)}",
                "stack.unknown",
            )
            for name in only
            if name not in known
        ]
        stacks, secrets, whole, unused = [], {}, [], []
        notices: list[dict[str, str]] = []
        folders: dict[str, str] = {}
        for inventory_stack in (item for item in checked if item.stack.name in only):
            source, found = open_source(inventory_stack.stack, variable, task_vars, args.get("mode", "deploy"))
            problems += found
            if not source:
                continue
            folders[inventory_stack.stack.name] = str(source.folder)
            item, files = resolve(inventory_stack.stack, variable, source)
            stacks.append(item)
            secrets[inventory_stack.stack.name] = {**files.secrets, **inventory_stack.secrets}
            problems += files.problems
            unused += [f"{item['inventory_path']}.variables.{name}: no Compose file uses it." for name in files.unused]
            notices += [{"where": f"{item['inventory_path']}.compose", "message": line} for line in files.unread]
            whole += [] if files.problems else [{**item, "sources": files.sources, "tree": files.tree}]
        # The server is asked although the inventory has problems: one report has all of them.
        module = self._ask_server({**args, "stacks": whole, "secrets": secrets}, task_vars)
        problems += module.pop("_problems")
        problems += [Problem(**problem) for problem in module.get("problems", [])]
        result.update(module)
        result["warnings"] = [*result.get("warnings", []), *misspelt_variables(task_vars), *unused]
        result["changed"] = False
        result["notices"] = [*notices, *module.get("notices", [])]
        result["problems"] = [problem.as_dict() for problem in problems]
        missing = module.get("missing_files", {})
        result["stacks"] = [{**item, "missing_files": missing.get(item["definition"]["name"], [])} for item in stacks]
        result["builds"] = {
            stack: {"folder": folders[stack], "images": images, "platform": module.get("platform", "")}
            for stack, images in module.get("builds", {}).items()
        }
        process = own_process()
        result["lock_holder"] = lock_holder(process)
        result["lock_process"] = {"user": process.user, "machine": process.machine, "id": process.id}
        result["stale_tokens"] = {
            stack: lock["token"]
            for stack, lock in module.get("locks", {}).items()
            if has_ended(lock.get("process"), process)
        }
        return result

    def _templated(self, value: t.Any, where: str, problems: list[Problem]) -> t.Any:
        """Return a value with every text in it templated; report each one that cannot be."""
        if isinstance(value, dict):
            return {key: self._templated(item, f"{where}.{key}", problems) for key, item in value.items()}
        if isinstance(value, list):
            return [self._templated(item, f"{where}[{_label(item, i)}]", problems) for i, item in enumerate(value)]
        if isinstance(value, str):
            try:
                return self._templar.template(value)
            except AnsibleError as error:
                reason = str(error).split("\n", maxsplit=1)[0].rstrip(".")
                problems.append(
                    Problem(
                        where + origin(value),
                        reason,
                        "Set it in the inventory, a secret in a vault",
                        "inventory.not_templated",
                    )
                )
                return MISSING
        return value

    def _ask_server(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the module's answer; a server that cannot be reached or cannot run it is a problem like any other."""
        try:
            answer: dict[str, t.Any] = self._execute_module(
                module_name="switchyard.stacks.preflight", module_args=args, task_vars=task_vars
            )
        except AnsibleConnectionFailure as error:
            message = f"cannot be reached: {str(error).strip()}"
            return {
                "_problems": [
                    Problem(
                        "server",
                        message,
                        "Try 'ssh' to it, and look at ansible_host and ansible_user",
                        "server.unreachable",
                    )
                ]
            }
        if answer.pop("failed", False):
            message = str(answer.get("msg", "the check did not run")).strip().rstrip(".")
            answer["_problems"] = [Problem("server", message, "Run setup.yml", "server.module_failed")]
        else:
            answer["_problems"] = []
        answer.pop("invocation", None)
        return answer


def _label(item: t.Any, index: int) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and "{{" not in name else str(index)


def origin(value: str) -> str:
    """Return the file and line of a value of the inventory, where Ansible knows them (core 2.19 and later)."""
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:
        return ""
    found = Origin.get_tag(value)
    return f" ({found})" if found else ""


def resolve(stack: Stack, variable: str, source: StackSource) -> tuple[dict[str, t.Any], StackFiles]:
    """Return a stack as the modules take it, without its files, and its files."""
    where = f"{variable}[{stack.name}]"
    if not source.folder:
        return {"definition": state_file.as_json(stack), "inventory_path": where}, StackFiles()
    definition = state_file.as_json(replace(stack, source=replace(stack.source, path=str(source.folder))))
    files = read_stack_files(source.folder, stack, where)
    contexts, problems = context_digests(source, files.contexts, where)
    files.problems += problems
    item = {"definition": definition, "inventory_path": where, "contexts": contexts, "commit": source.commit}
    return item, files


def own_process() -> ControllerProcess:
    """Return this Ansible process; a task runs in a child of it."""
    return ControllerProcess(getpass.getuser(), socket.gethostname(), os.getppid())


def lock_holder(process: ControllerProcess) -> str:
    """Return who releases, for the messages of others: the user, the machine, the process and the CI job."""
    job = os.environ.get("CI_JOB_URL")
    return f"{process.user}@{process.machine} (process {process.id})" + (f", {job}" if job else "")


def has_ended(other: t.Mapping[str, t.Any] | None, own: ControllerProcess) -> bool:
    """Return whether a lock's process was one of this machine and user that runs no longer."""
    if not other or (other["user"], other["machine"]) != (own.user, own.machine):
        return False
    try:
        os.kill(other["id"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # It runs, as another user.
        return False
    return False
