# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that all modules of ours share, and how their errors reach a person."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import names
from .errors import SwitchyardError
from .release.context import Place, Server

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SERVER: dict[str, t.Any] = {
    "root": {"type": "path", "default": names.ROOT},
    "project": {"type": "str", "required": True},
    "environment": {"type": "str", "required": True},
}

PLACE: dict[str, t.Any] = {**SERVER, "stack": {"type": "str", "required": True}}

# A step of a release that has begun. The token is a number that only fences others off: it may be seen.
STEP: dict[str, t.Any] = {
    **PLACE,
    "release": {"type": "int", "required": True},
    "token": {"type": "int", "required": True, "no_log": False},
}

# What preflight returns of one stack, and the next modules take.
GIVEN: dict[str, t.Any] = {
    "definition": {"type": "dict", "required": True},
    "sources": {"type": "dict", "default": {}},
    "where": {"type": "str", "required": True},
}


def server(module: AnsibleModule) -> Server:
    """Return the server as the module's options name it."""
    return Server(Path(module.params["root"]), module.params["project"], module.params["environment"])


def place(module: AnsibleModule) -> Place:
    """Return the stack's place as the module's options name it."""
    return server(module).place(module.params["stack"])


def end(module: AnsibleModule, work: t.Callable[[], dict[str, t.Any]]) -> t.NoReturn:
    """Do the work and exit with its result; the only place where an error becomes a failed module."""
    try:
        result = work()
    except SwitchyardError as error:
        module.fail_json(msg=message(error), **error.details)
    except OSError as error:
        # The Docker SDK's errors are among these; their text is the engine's own words.
        module.fail_json(msg=f"{error}. Nothing after that was done.")
    module.exit_json(**result)


def message(error: SwitchyardError) -> str:
    """Return the error with the last log lines below it, as a person reads it in a job's output."""
    lines = [str(error)]
    for name, log in error.details.get("logs", {}).items():
        lines += [f"Last lines of {name}:", *(f"  {line}" for line in log)] if log else [f"{name} wrote nothing."]
    for name, seen in error.details.get("proxy", {}).items():
        lines.append(f"The proxy sees {name}: " + ", ".join(f"{key} {value}" for key, value in seen.items()))
    return "\n".join(lines)
