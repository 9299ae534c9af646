# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: every variable of the Compose files has a value."""

from __future__ import annotations

from ...engine.compose_build import is_built
from ...errors import Problem
from ..source_files import PLACEHOLDER
from .context import StackCheckContext

NEEDS = ("compose",)

CODE = "compose.variable_not_set"


def check(context: StackCheckContext) -> list[Problem]:
    """Return the variables without a value and without a default, which Compose replaces by an empty text.

    ``environment: [NAME]`` without a value, or ``args: [NAME]`` of a build, would take the value from the server's
    environment, and ``${PWD}`` there has no meaning in a container.
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
        given = {"environment": content.get("environment") or {}}
        if is_built(content):
            given["build.args"] = content["build"].get("args") or {}
        for key, values in given.items():
            for name, value in values.items():
                where = f"{context.where}.compose.services.{service}.{key}.{name}"
                if value is None:
                    problems.append(Problem(where, "has no value", f"Write {name} in variables, or remove it", CODE))
                elif PLACEHOLDER in str(value):
                    message = "has the path of the folder of the Compose files, which a release does not have"
                    problems.append(Problem(where, message, "Write a path of the container in place of ${PWD}", CODE))
    return problems
