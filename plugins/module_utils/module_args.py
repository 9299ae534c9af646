# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the modules of this collection share, and their way to fail."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from . import paths, state_file
from .engine.connection_failure import BECOME
from .engine.registry_login import logins_of
from .errors import SwitchyardError
from .release import detached_work
from .release.context import HostContext, StackContext

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

HOST_OPTIONS: dict[str, t.Any] = {
    "root": {"type": "path", "default": paths.ROOT},
    "project": {"type": "str", "required": True},
    "environment": {"type": "str", "required": True},
}

STACK_OPTIONS: dict[str, t.Any] = {**HOST_OPTIONS, "stack": {"type": "str", "required": True}}

# What preflight returns of one stack, and a release takes. Sources include .env, which holds secrets.
STACK_INPUT_OPTIONS: dict[str, t.Any] = {
    "definition": {"type": "dict", "required": True},
    "sources": {"type": "dict", "default": {}, "no_log": True},
    "tree": {"type": "dict", "default": {}},
    "inventory_path": {"type": "str", "required": True},
    "contexts": {"type": "dict", "default": {}},
    "commit": {"type": "str"},
}

# Who takes the lock of a stack, whose lock may be taken over, and how long to wait for another one.
LOCK_OPTIONS: dict[str, t.Any] = {
    "lock_holder": {"type": "str", "required": True},
    "lock_process": {
        "type": "dict",
        "options": {
            "user": {"type": "str", "required": True},
            "machine": {"type": "str", "required": True},
            "id": {"type": "int", "required": True},
            "operator": {"type": "str"},
            "job": {"type": "str"},
        },
    },
    "stale_token": {"type": "int", "no_log": False},
    "lock_wait": {"type": "float", "default": 0},
}

# The logins of the registries of a stack's images.
REGISTRY_OPTIONS: dict[str, t.Any] = {
    "registries": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "server": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    }
}


def host_context(module: AnsibleModule) -> HostContext:
    """Return the server as the module's options name it."""
    logins = logins_of(module.params.get("registries") or [])
    return HostContext(Path(module.params["root"]), module.params["project"], module.params["environment"], logins)


def stack_context(module: AnsibleModule) -> StackContext:
    """Return the stack's place as the module's options name it."""
    return host_context(module).stack(module.params["stack"])


def to_result(*values: t.Any) -> dict[str, t.Any]:
    """Return result dataclasses as one module's result, in which the fields of the last one count.

    Without a field ``changed`` it means that something changed.
    """
    result: dict[str, t.Any] = {"changed": True}
    for value in values:
        result.update(state_file.as_json(value))
    return result


def run_module(module: AnsibleModule, work: t.Callable[[], dict[str, t.Any]], *, detached: bool = False) -> t.NoReturn:
    """Do the work and exit with its result; the only place where an error becomes a failed module.

    ``detached``: the work continues when the connection to the controller is lost.
    """
    outcome = detached_work.run_detached(lambda: outcome_of(work)) if detached else outcome_of(work)
    for text in outcome.get("warnings_found", ()):
        module.warn(text)
    if outcome.pop("failed", False):
        module.fail_json(**outcome)
    module.exit_json(**outcome)


def outcome_of(work: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    """Return the result of work, or of an error of it: ``failed``, its message and its details."""
    try:
        return work()
    except SwitchyardError as error:
        # The result has log lines next to the message: Ansible shows a message twice.
        return {"failed": True, "msg": str(error), **error.details}
    except PermissionError as error:
        text = f"{error}. Nothing after that was done. {BECOME if os.geteuid() else ''}".strip()
        return {"failed": True, "msg": text}
    except OSError as error:
        # The Docker SDK's errors are among these; their text is the engine's own words.
        return {"failed": True, "msg": f"{error}. Nothing after that was done."}
