# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the user of the tasks can write the folder of this collection."""

from __future__ import annotations

from ...errors import Problem
from .context import HostCheckContext

NEEDS: tuple[str, ...] = ()


def check(context: HostCheckContext) -> list[Problem]:
    """Return a problem when the user of the tasks cannot write the folder; a stack in_place does not need it."""
    error = context.failures.get("rights")
    return [error.problem("server", "Run setup.yml", code="server.not_root")] if error else []
