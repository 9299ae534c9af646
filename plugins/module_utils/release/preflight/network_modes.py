# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: a service with ``network_mode`` can run in its role."""

from __future__ import annotations

from ...config.stack import Stack
from ...engine import compose_spec
from ...engine.compose_roles import roles_of
from ...engine.models import Mapping
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)

CODE = "compose.network_mode"


def check(context: StackCheckContext) -> list[Problem]:
    """Return the services of a color whose network the proxy cannot reach, or that both colors would share."""
    return problems(context.normalised, context.stack, context.where)


def problems(normalised: Mapping, stack: Stack, where: str) -> list[Problem]:
    """Return the problems of ``check``.

    A worker, an accessory and a job run once, so that they may use the server's network where ``allow`` names it.
    """
    found = []
    for name, role in roles_of(normalised, stack).items():
        mode = normalised["services"][name].get("network_mode")
        if not mode or role not in ("routed", "inner") or compose_spec.SERVICE["network_mode"].refuses(mode):
            continue
        key = f"{where}.compose.services.{name}.network_mode"
        if role == "routed":
            message = f"{mode} leaves {name} without the network of the proxy, which sends it its requests"
            found.append(Problem(key, message, "Remove it", CODE))
        elif mode == "host":
            message = "host cannot run twice side by side: both colors would listen on the same ports of the server"
            found.append(Problem(key, message, f"Remove it, or name {name} in workers or accessories", CODE))
    return found
