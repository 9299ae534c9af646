# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: every variable of the Compose files has a value."""

from __future__ import annotations

import typing as t

from ...config.grammar import VARIABLE_NAME
from ...engine.compose_build import is_built
from ...errors import Problem
from ..source_files import PLACEHOLDER
from .context import StackCheckContext
from .notice_groups import listed

NEEDS = ("compose",)

CODE = "compose.variable_not_set"


def check(context: StackCheckContext) -> list[Problem]:
    """Return the variables without a value and without a default, which Compose replaces by an empty text.

    ``environment: [NAME]`` without a value, or ``args: [NAME]`` of a build, would take the value from the server's
    environment, and ``${PWD}`` there has no meaning in a container.
    """
    problems = unset_variables(context, context.files.unset)
    # By name: the path of the first one, and all services.
    without: dict[str, tuple[str, list[str]]] = {}
    for service, content in context.services.items():
        given = {"environment": content.get("environment") or {}}
        if is_built(content):
            given["build.args"] = content["build"].get("args") or {}
        for key, values in given.items():
            for name, value in values.items():
                path = f"{service}.{key}.{name}"
                if value is None:
                    without.setdefault(name, (path, []))[1].append(service)
                elif PLACEHOLDER in str(value):
                    message = "has the path of the folder of the Compose files, which a release does not have"
                    hint = "Write a path of the container in place of ${PWD}"
                    problems.append(Problem(f"{context.where}.compose.services.{path}", message, hint, CODE))
    return problems + [_without_value(context.where, name, *found) for name, found in without.items()]


def unset_variables(context: StackCheckContext, variables: t.Iterable[str]) -> list[Problem]:
    """Return a problem for each variable of the Compose files that has no value and no default."""
    return [
        Problem(
            f"{context.where}.variables.{name}",
            f"the Compose files use ${{{name}}}, and it has no value",
            f"Write {name} in variables or in .env, or a default in the Compose files: ${{{name}:-}}",
            CODE,
        )
        for name in variables
    ]


def _without_value(where: str, name: str, path: str, services: t.Sequence[str]) -> Problem:
    """Return the problem of a name without a value, which many services may have."""
    message = f"has no value, also in {listed(services[1:])}" if services[1:] else "has no value"
    written = f"{name} in variables" if VARIABLE_NAME.match(name) else f"{name}=value"
    return Problem(f"{where}.compose.services.{path}", message, f"Write {written}, or remove it", CODE)
