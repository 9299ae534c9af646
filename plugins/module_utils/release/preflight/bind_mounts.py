# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the paths that services mount exist, and those of the stack are inside of its source folder."""

from __future__ import annotations

from ...errors import Problem
from ..mount_plan import own_name
from ..source_files import exists, outside_name
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the mounted paths that neither the stack nor the server has, and files of configs outside of the stack."""
    problems = []
    for name, service in context.services.items():
        where = f"{context.where}.compose.services.{name}.volumes"
        for mount in service.get("volumes", []):
            source = mount.get("source", "")
            if mount.get("type") != "bind":
                continue
            outside = outside_name(source)
            if outside:
                problems.append(_outside(where, outside))
            elif not exists(source, context.spec) and (own_name(source) is None or mount.get("read_only")):
                problems.append(_missing(where, source, code="compose.bind_mount_missing"))
    for name, config in context.normalised.get("configs", {}).items():
        file, where = config.get("file"), f"{context.where}.compose.configs.{name}"
        outside = outside_name(file or "")
        if outside:
            problems.append(_outside(where, outside))
        elif file and not exists(file, context.spec):
            problems.append(_missing(where, file, code="compose.config_file_missing"))
    return problems


def _outside(where: str, path: str) -> Problem:
    hint = "Choose source.path so that it contains the path"
    return Problem(where, f"{path} leads out of source.path", hint, "compose.file_outside")


def _missing(where: str, source: str, code: str) -> Problem:
    name = own_name(source)
    if name is None:
        hint = "Use a named volume, or create the path on the server"
        return Problem(where, f"{source} is not on the server", hint, code)
    hint = "Create it, or list it under files where its path has a variable of the server"
    return Problem(where, f"{name} is not in source.path", hint, code)
