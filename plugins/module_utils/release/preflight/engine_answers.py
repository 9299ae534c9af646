# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the container engine answers."""

from __future__ import annotations

from ...errors import Problem
from .context import HostCheckContext

NEEDS: tuple[str, ...] = ()


def check(context: HostCheckContext) -> list[Problem]:
    """Return a problem when the container engine does not answer."""
    error = context.failures.get("engine")
    return [error.problem("server", "Run setup.yml", code="server.engine")] if error else []
