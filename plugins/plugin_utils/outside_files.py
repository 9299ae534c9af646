# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files outside of the source folder that Compose would read on the server, or fetch. For the controller only.

Compose reads them as root before it checks them, and shows a line that it cannot read.
"""

from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.config.allowances import (
    EVERY_SERVICE,
    FILE,
    line,
    unused_allowance,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem

from .compose_references import OutsideFile, References


def outside_file_problems(references: References, stack: Stack, where: str) -> list[Problem]:
    """Return the files that Compose would read without an allowance, and the allowances of files that it does not."""
    problems = []
    used: set[tuple[str, str]] = set()
    for file in references.outside_files:
        allowance = f"{FILE} {file.path}"
        matches = [key for key in (file.service, EVERY_SERVICE) if allowance in stack.allow.get(key, ())]
        used.update((key, allowance) for key in matches)
        if not matches:
            problems.append(_not_allowed(file, allowance, stack, where))
    for file in references.unknown:
        hint = "Write the path without a variable, or give each variable a value in variables or .env"
        message = f"{file.path} cannot be known before Compose reads it"
        problems.append(Problem(f"{where}.compose.{_key(file)}", message, hint, "compose.path_unknown"))
    return problems + [
        unused_allowance(where, key, allowance)
        for key, allowances in stack.allow.items()
        for allowance in allowances
        if allowance.startswith(f"{FILE} ") and (key, allowance) not in used
    ]


def _not_allowed(file: OutsideFile, allowance: str, stack: Stack, where: str) -> Problem:
    lines = line(file.service, dict.fromkeys([*stack.allow.get(file.service, ()), allowance]))
    return Problem(
        f"{where}.compose.{_key(file)}",
        f"{file.path} needs an allowance: Compose would read it on the server or fetch it",
        f"Copy it into source.path, or write {lines} in the stack",
        "compose.not_allowed",
    )


def _key(file: OutsideFile) -> str:
    """Return the path of the key in the Compose files."""
    return file.key if file.service == EVERY_SERVICE else f"services.{file.service}.{file.key}"
