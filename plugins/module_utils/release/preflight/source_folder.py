# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the files of an in_place stack are on the server."""

from __future__ import annotations

from ...errors import Problem
from .context import StackCheckContext

NEEDS: tuple[str, ...] = ()


def check(context: StackCheckContext) -> list[Problem]:
    """Return a problem when the stack's own folder is missing on the server."""
    if context.has_source_folder:
        return []
    message = f"{context.stack.source.path} is not on the server"
    hint = "Use in_place only with ansible_connection: local"
    return [Problem(f"{context.where}.strategy", message, hint, "stack.in_place")]
