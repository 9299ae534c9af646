# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of preflight: the inventory and its files, and a server that cannot be reached.

The task itself never fails on a problem. It returns all of them, so that one message can hold those of every server.
"""

from __future__ import annotations

import os
import socket
import time
import typing as t
from dataclasses import replace
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config.placeholders import (
    placeholder_of,
    placeholder_problems,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import clock
from ansible_collections.switchyard.stacks.plugins.module_utils.release.unlock import ENDED
from ansible_collections.switchyard.stacks.plugins.plugin_utils.cached_module import CachedModuleAction
from ansible_collections.switchyard.stacks.plugins.plugin_utils.confirmations import (
    downgrade_questions,
    unnamed_questions,
    with_older_commits,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.extra_variables import (
    extra_variables,
    misspelt_extra_variables,
    typed_variables,
    variables_by_stack,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.known_variables import misspelt_variables
from ansible_collections.switchyard.stacks.plugins.plugin_utils.lock_holder import (
    as_option,
    lock_holder,
    own_process,
    state_of,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.playbook_command import playbook_command
from ansible_collections.switchyard.stacks.plugins.plugin_utils.problem_files import shown, with_files
from ansible_collections.switchyard.stacks.plugins.plugin_utils.requested_stacks import (
    MISSING,
    inventory_names,
    label,
    requested_stacks,
    undefined_hint,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.server_failure import server_problem
from ansible_collections.switchyard.stacks.plugins.plugin_utils.server_settings import operator, read_settings
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_files import StackFiles, read_stack_files
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_source import (
    StackSource,
    context_digests,
    open_source,
)


class ActionModule(CachedModuleAction):
    """Check the inventory on the controller, then the server with the module of the same name."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return problems, plans, the checked stacks, and who runs this play."""
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        args = dict(self._task.args)
        variable = args.setdefault("variable", "switchyard_stacks")
        untemplated: list[Problem] = []
        raw = task_vars.get(variable)
        given = self._templated(raw, variable, untemplated)
        if given == MISSING and args.get("mode", "deploy") != "deploy":
            given = [{"name": name} for name in inventory_names(self._templar, variable, task_vars)]
        requested = requested_stacks(raw, given, untemplated, args, variable)
        names_used = variables_by_stack(raw, task_vars)
        extra = extra_variables(self._loader)
        typed = typed_variables(self._loader)
        misspelt, unknown = misspelt_extra_variables(typed, set().union(*names_used.values()), task_vars)
        problems = misspelt + requested.problems
        stacks, secrets, whole, unused = [], {}, [], []
        notices: list[dict[str, str]] = []
        compose_files: dict[str, str] = {}
        sources: dict[str, StackSource] = {}
        follow_up: set[tuple[str, str]] = set()
        for inventory_stack in requested.stacks:
            source, found = open_source(inventory_stack.stack, variable, task_vars, args.get("mode", "deploy"))
            problems += found
            if not source:
                continue
            sources[inventory_stack.stack.name] = source
            item, files = resolve(inventory_stack.stack, variable, source)
            compose_files[item["inventory_path"]] = ", ".join(
                shown((source.folder or Path()) / name) for name in inventory_stack.stack.compose
            )
            stacks.append(item)
            secrets[inventory_stack.stack.name] = {**files.secrets, **inventory_stack.secrets}
            problems += files.problems
            unused += [f"{item['inventory_path']}.variables.{name}: no Compose file uses it." for name in files.unused]
            notices += [{"where": f"{item['inventory_path']}.compose", "message": line} for line in files.unread]
            whole += [{**item, "sources": files.sources, "tree": files.tree}] if files.readable else []
            follow_up |= files.follow_up
        args["inventory"] = self._inventory_facts(raw if isinstance(raw, list) else given, task_vars)
        # The server is asked although the inventory has problems: one report has all of them.
        only_some, accepts_downgrade = bool(args.get("only")), boolean(args.get("accept_downgrade", False))
        args["only"] = [item.stack.name for item in requested.stacks]
        begin = time.time()
        addresses = [
            *args.get("addresses", []),
            *addresses_of(str(task_vars.get("ansible_host") or task_vars.get("inventory_hostname") or "")),
        ]
        module = self._ask_server({**args, "addresses": addresses, "stacks": whole, "secrets": secrets}, task_vars)
        problems += module.pop("_problems")
        clocks = clock.problems(begin, module["time"], time.time()) if "time" in module else []
        # What follows from a value that is not set, or from a refused file, is not a problem of its own.
        problems += [
            Problem(**item)
            for item in module.get("problems", [])
            if MISSING not in item["message"] and (item["code"], item["where"]) not in follow_up
        ]
        result.update(module)
        result["warnings"] = [*result.get("warnings", []), *misspelt_variables(task_vars), *unknown, *unused]
        result["changed"] = False
        result["problems"] = [problem.as_dict() for problem in problems]
        result["notices"] = [*notices, *module.get("notices", [])]
        result["problem_warnings"] = [*module.get("problem_warnings", []), *(one.as_dict() for one in clocks)]
        for key in ("problems", "problem_warnings", "notices"):
            result[key] = with_files(result.get(key) or [], task_vars, compose_files)
        missing = module.get("missing_files", {})
        result["stacks"] = [{**item, "missing_files": missing.get(item["definition"]["name"], [])} for item in stacks]
        result["builds"] = {
            stack: {"folder": str(sources[stack].folder), "images": images, "platform": module.get("platform", "")}
            for stack, images in module.get("builds", {}).items()
        }
        process = own_process(os.environ)
        result["lock_holder"] = lock_holder(process)
        result["lock_process"] = as_option(process)
        result["stale_tokens"] = {
            stack: lock["token"]
            for stack, lock in module.get("locks", {}).items()
            if state_of(lock.get("process"), process) == ENDED
        }
        result["questions"] = []
        if args.get("mode", "deploy") == "deploy" and "plans" in module:
            result["plans"] = with_older_commits(module["plans"], sources)
            questions = downgrade_questions(result["plans"], variable) if not accepts_downgrade else []
            if not only_some:
                questions += unnamed_questions(result["plans"], extra, requested.names_by_stack(names_used), variable)
            result["questions"] = [question.as_dict() for question in questions]
        return result

    def _templated(self, value: t.Any, where: str, problems: list[Problem]) -> t.Any:
        """Return a value with every text in it templated; report each one that cannot be."""
        if isinstance(value, dict):
            return {key: self._templated(item, f"{where}.{key}", problems) for key, item in value.items()}
        if isinstance(value, list):
            return [self._templated(item, f"{where}[{label(item, i)}]", problems) for i, item in enumerate(value)]
        if isinstance(value, str):
            try:
                return self._templar.template(value)
            except AnsibleError as error:
                reason = str(error).split("\n", maxsplit=1)[0].rstrip(".")
                problems.append(
                    Problem(
                        where,
                        reason,
                        undefined_hint(reason),
                        "inventory.not_templated",
                    )
                )
                return MISSING
        return value

    def _inventory_facts(self, raw: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return what the inventory says in addition to the chosen stacks, for the module's option ``inventory``."""
        if self._task.args.get("mode", "deploy") != "deploy":
            return {}
        stacks = [item for item in raw if isinstance(item, dict)] if isinstance(raw, list) else None
        given = read_settings(self._templar, task_vars, stacks=stacks)
        return {
            "stacks": None if stacks is None else [str(stack.get("name")) for stack in stacks],
            "settings": given.settings,
            "unset": given.unset,
            "operator": operator(),
            "redis_is_shared": given.redis_is_shared and any("redis" in stack for stack in stacks or ()),
            "retire": playbook_command("retire"),
        }

    def _ask_server(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the module's answer; a server that cannot be reached or cannot run it is a problem like any other."""
        host = str(task_vars.get("ansible_host") or "")
        if placeholder_of(host):
            return {"_problems": placeholder_problems(host, "ansible_host")}
        try:
            answer: dict[str, t.Any] = self._execute_module(
                module_name="switchyard.stacks.preflight", module_args=args, task_vars=task_vars
            )
        except AnsibleError as error:
            return {"_problems": [server_problem(str(error), isinstance(error, AnsibleConnectionFailure))]}
        if answer.pop("failed", False):
            text = str(answer.get("msg") or "the check did not run")
            answer["_problems"] = [server_problem(f"{text} {answer.get('module_stderr') or ''}")]
        else:
            answer["_problems"] = []
        answer.pop("invocation", None)
        return answer


def resolve(stack: Stack, variable: str, source: StackSource) -> tuple[dict[str, t.Any], StackFiles]:
    """Return a stack as the modules take it, without its files, and its files."""
    where = f"{variable}[{stack.name}]"
    if not source.folder:
        return {"definition": state_file.as_json(stack), "inventory_path": where}, StackFiles()
    definition = state_file.as_json(replace(stack, source=replace(stack.source, path=str(source.folder))))
    files = read_stack_files(source.folder, stack, where)
    contexts, problems = context_digests(source, files.contexts, where)
    files.problems += problems
    files.readable = files.readable and not problems
    item = {"definition": definition, "inventory_path": where, "contexts": contexts, "commit": source.commit}
    return item, files


def addresses_of(host: str) -> list[str]:
    """Return the addresses of the name by which the controller reaches the server; none where it has none."""
    try:
        return sorted({str(answer[4][0]) for answer in socket.getaddrinfo(host, None)}) if host else []
    except (OSError, UnicodeError):
        # It may be a name of the SSH configuration.
        return []
