# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: files in the proxy's folder that this collection did not write are valid."""

from __future__ import annotations

from ...errors import Problem
from ...proxy.foreign_files import check_foreign_files
from .context import HostCheckContext

NEEDS = ("engine", "proxy")


def check(context: HostCheckContext) -> list[Problem]:
    """Return the validation error of a foreign file; the proxy would reject every later change with it."""
    if not context.needs_proxy:
        return []
    return check_foreign_files(context.host.root, context.host.proxy, context.proxy_state)
