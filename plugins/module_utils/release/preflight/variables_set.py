# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: every variable of the Compose files has a value."""

from __future__ import annotations

from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)

CODE = "compose.variable_not_set"


def check(context: StackCheckContext) -> list[Problem]:
    """Return the variables without a value and without a default, which Compose replaces by an empty text.

    ``environment: [NAME]`` without a value would take the value from the server's environment.
    """
    problems = [
        Problem(
            f"{context.where}.variables.{name}",
            f"the Compose files use ${{{name}}}, and it has no value",
            f"Write {name} in variables or in .env, or a default in the Compose files: ${{{name}:-}}",
            CODE,
        )
        for name in context.files.unset
    ]
    for service, content in context.services.items():
        for name, value in (content.get("environment") or {}).items():
            if value is None:
                where = f"{context.where}.compose.services.{service}.environment.{name}"
                hint = f"Write {name} in variables, or remove it"
                problems.append(Problem(where, "has no value", hint, CODE))
    return problems
