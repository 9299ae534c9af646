# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: Docker Compose accepts the stack's files."""

from __future__ import annotations

from ...errors import EngineError, Problem
from .context import StackCheckContext

NEEDS: tuple[str, ...] = ()


def check(context: StackCheckContext) -> list[Problem]:
    """Return Compose's own message when it rejects the files, or a problem of the server when it does not answer."""
    error = context.failures.get("compose")
    if not error or "source" in context.failures:
        return []
    if isinstance(error, EngineError):
        return [error.problem("server", "Run setup.yml", code="server.engine")]
    return [error.problem(f"{context.where}.compose", "Try it with 'docker compose config'", code="compose.invalid")]
