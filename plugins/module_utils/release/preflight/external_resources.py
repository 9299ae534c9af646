# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the external networks and volumes that services use exist on the server."""

from __future__ import annotations

import typing as t

from ...engine.models import Mapping
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the external networks and volumes that are missing on the server."""
    exists = {"network": context.host.networks.__contains__, "volume": context.ctx.engine.has_volume}
    return [
        Problem(
            f"{context.where}.compose.{kind}s.{key}",
            f"the external {kind} {name!r} does not exist on the server",
            f"Create it with 'docker {kind} create', or remove external: the release creates one for the stack",
            "compose.external_missing",
        )
        for kind, key, name in external_resources(context.normalised)
        if not exists[kind](name)
    ]


def external_resources(normalised: Mapping) -> t.Iterator[tuple[str, str, str]]:
    """Yield each external network and volume that a service uses: its kind, its key and its name on the server."""
    services = normalised.get("services", {}).values()
    used = {
        "network": {name for service in services for name in service.get("networks") or ()},
        "volume": {mount.get("source") for service in services for mount in service.get("volumes") or ()},
    }
    for kind, keys in used.items():
        for key, item in normalised.get(f"{kind}s", {}).items():
            if key in keys and (item or {}).get("external"):
                yield kind, key, str(item.get("name", key))
