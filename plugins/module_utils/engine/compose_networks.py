# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a release: which ones each service joins, and their names on the server."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import names
from ..config.stack import Stack
from .models import Mapping

# Networks of the environment: of the proxy, and of the shared servers. Their roles create them.
SHARED = frozenset({"front", "back"})


@dataclass(frozen=True)
class Networks:
    """The networks of one normalised Compose file. ``roles`` has the role of each service."""

    normalised: t.Mapping[str, t.Any]
    stack: Stack
    project: str
    environment: str
    roles: t.Mapping[str, str]

    def of_service(self, name: str) -> Mapping:
        """Return the networks of a service: those of the file, ``front`` for a route, ``back`` for shared servers.

        A service with ``network_mode`` joins none.
        """
        if self.normalised["services"][name].get("network_mode"):
            return {}
        role = self.roles[name]
        alias = {} if role in ("routed", "inner", "job") else {"aliases": [name]}
        joined: Mapping = dict.fromkeys(self.normalised["services"][name].get("networks") or ["default"], alias)
        if role == "routed":
            joined["front"] = {}
        if self.stack.postgres or self.stack.redis:
            joined["back"] = {}
        return joined

    def server_name(self, name: str) -> str:
        """Return the name on the server of a network of the file, or of ``front`` and ``back``."""
        given = self.normalised.get("networks", {}).get(name) or {}
        if given.get("external"):
            return str(given.get("name", name))
        own = self.stack.name if name == "default" else name
        return names.network(self.project, own, self.environment)

    def created(self) -> dict[str, Mapping]:
        """Return the networks that a release creates where they are missing, by their name on the server."""
        used = {name for service in self.roles for name in self.of_service(service)} - SHARED
        given = self.normalised.get("networks", {})
        return {
            self.server_name(name): {"internal": bool((given.get(name) or {}).get("internal"))}
            for name in sorted(used)
            if not (given.get(name) or {}).get("external")
        }
