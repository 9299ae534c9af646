# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the host paths that services mount exist."""

from __future__ import annotations

from ...errors import Problem
from ..source_files import OUTSIDE, exists
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the mounted paths that are neither sent with the stack nor on the server."""
    return [
        _problem(f"{context.where}.compose.services.{name}.volumes", mount["source"])
        for name, service in context.services.items()
        for mount in service.get("volumes", [])
        if mount.get("type") == "bind" and not exists(mount["source"], context.spec)
    ]


def _problem(where: str, source: str) -> Problem:
    if source.startswith(OUTSIDE):
        message = f"{source[len(OUTSIDE) :] or '..'} leads out of source.path"
        return Problem(where, message, "Choose source.path so that it contains the path", "compose.bind_mount_missing")
    hint = "List the file under files, use a named volume, or make the folder on the server"
    return Problem(where, f"{source} is not on the server", hint, "compose.bind_mount_missing")
