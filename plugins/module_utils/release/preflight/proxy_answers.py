# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the proxy is set up and answers."""

from __future__ import annotations

from ...errors import Problem
from .context import HostCheckContext

NEEDS = ("engine",)


def check(context: HostCheckContext) -> list[Problem]:
    """Return a problem when the proxy is missing or does not answer."""
    error = context.failures.get("proxy")
    return [error.problem("server", "Run setup.yml", code="server.proxy")] if error else []
