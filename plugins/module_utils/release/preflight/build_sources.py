# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: images are built from folders of the stack's own source, and hold no secret."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ...engine import compose_build
from ...errors import Problem
from ..source_files import PLACEHOLDER, is_own, outside_name
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return folders of builds that are outside of the source or missing, and arguments with a secret."""
    problems = []
    for name in context.builds:
        where = f"{context.where}.compose.services.{name}.build"
        definition = context.builds[name].definition
        for key, path in compose_build.contexts_of(definition):
            inside = compose_build.relative(path or PLACEHOLDER, PLACEHOLDER)
            if compose_build.is_service(path):
                message = f"{path} is the image of another service"
                hint = "Use one Dockerfile with several stages, and build.target"
                problems.append(Problem(f"{where}.{key}", message, hint, "compose.build_context"))
            elif inside is None and (is_own(path) or (key == "dockerfile" and not Path(definition[key]).is_absolute())):
                shown = definition[key] if key == "dockerfile" else outside_name(path) or path
                message = f"{shown} is not in the source"
                hint = "Choose source.path so that it contains the folder"
                problems.append(Problem(f"{where}.{key}", message, hint, "compose.build_context"))
            elif inside is not None and inside not in context.spec.contexts:
                message = f"{inside} is not on the controller below the source, or its path has a variable"
                hint = "Create the folder, or write its path without a variable"
                problems.append(Problem(f"{where}.{key}", message, hint, "compose.build_context"))
        problems += _secrets_in_arguments(context, where, definition.get("args") or {})
    return problems


def _secrets_in_arguments(context: StackCheckContext, where: str, args: t.Mapping[str, t.Any]) -> list[Problem]:
    """Return the arguments of a build that hold a secret of ``secrets_as_env``."""
    secrets = {name: context.spec.secrets.get(name) for name in context.stack.secrets_as_env}
    return [
        Problem(
            f"{where}.args.{key}",
            f"it holds the secret {name}, and the history of the image would show it",
            "Read the secret in the build with build.secrets",
            "compose.build_secret",
        )
        for key, value in args.items()
        for name, secret in secrets.items()
        if secret and secret in str(value)
    ]
