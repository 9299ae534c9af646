# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the network between the proxy and the environment's services exists."""

from __future__ import annotations

from ... import names
from ...errors import Problem
from .context import HostCheckContext

NEEDS = ("engine",)


def check(context: HostCheckContext) -> list[Problem]:
    """Return a problem when stacks have routes and the network is missing."""
    network = names.of_environment(context.host.project, "front", context.host.environment)
    if not context.needs_proxy or network in context.networks:
        return []
    return [Problem("server", f"the network {network} is missing", "Run setup.yml", "server.network_missing")]
