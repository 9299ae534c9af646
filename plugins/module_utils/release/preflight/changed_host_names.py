# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices: the host names of a Compose file that mean something else in a release, or do not resolve."""

from __future__ import annotations

import typing as t

from ...config.stack import Stack
from ...engine.compose_networks import Networks
from ...engine.host_names import PER_COLOR
from ...engine.models import Mapping


def changed_host_names(
    normalised: Mapping, stack: Stack, roles: t.Mapping[str, str]
) -> t.Iterator[tuple[str, str, str]]:
    """Yield the path in the files, the name, and what a release does with it."""
    # The names on the server do not matter here.
    networks = Networks(normalised, stack, "project", "environment", roles)
    for service, definition in normalised.get("services", {}).items():
        path, per_color = f"services.{service}", roles[service] in PER_COLOR
        hostname = definition.get("hostname")
        if hostname and per_color:
            yield f"{path}.hostname", hostname, "an alias that resolves to the own color, not the container's own name"
        elif hostname and not networks.is_own(service):
            yield f"{path}.hostname", hostname, "an alias in the stack; the container is called by its full name"
        links = definition.get("links") or []
        lost = [link for link in links if roles.get(link.partition(":")[0]) in PER_COLOR]
        if lost and roles[service] == "accessory":
            yield f"{path}.links", ", ".join(lost), "an accessory outlives colors, so that it has no link to one"
        for network, joined in (definition.get("networks") or {}).items():
            aliases = (joined or {}).get("aliases")
            external = (normalised.get("networks", {}).get(network) or {}).get("external")
            if aliases and external and per_color:
                message = "resolves in the stack only, because both colors are on that network"
                yield f"{path}.networks.{network}.aliases", ", ".join(aliases), message
