# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a release: which ones each service joins, and their names on the server."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import names
from ..config.stack import Stack
from .compose_roles import replicas_of
from .host_names import PER_COLOR, HostNames
from .models import Mapping


@dataclass(frozen=True)
class Networks:
    """The networks of one normalised Compose file. ``roles`` has the role of each service."""

    normalised: Mapping
    stack: Stack
    project: str
    environment: str
    roles: t.Mapping[str, str]

    @property
    def host_names(self) -> HostNames:
        """The host names of the services."""
        return HostNames(self.normalised, self.project, self.stack.name, self.environment, self.roles)

    def of_service(self, name: str, color: str | None = None) -> Mapping:
        """Return the networks of a service by their names on the server; a service with ``network_mode`` joins none.

        They are those of the file, the environment's ``front`` for a routed service, and its ``back`` for a stack
        with shared servers. The roles ``proxy``, ``postgres`` and ``redis`` create these two.
        """
        if self.normalised["services"][name].get("network_mode"):
            return {}
        role = self.roles[name]
        aliases = {
            self.server_name(network): self.host_names.aliases(name, network, color) for network in self._in_file(name)
        }
        joined: Mapping = {network: {"aliases": found} if found else {} for network, found in aliases.items()}
        if role == "routed":
            joined[self.front] = {}
        if self.stack.shared_database or self.stack.redis:
            joined[names.of_environment(self.project, "back", self.environment)] = {}
        return joined

    @property
    def front(self) -> str:
        """The name on the server of the network between the proxy and the routed services of the environment."""
        return names.of_environment(self.project, "front", self.environment)

    def _in_file(self, service: str) -> t.Iterable[str]:
        definition = self.normalised["services"][service]
        return () if definition.get("network_mode") else definition.get("networks") or ["default"]

    def server_name(self, name: str) -> str:
        """Return the name on the server of a network of the file."""
        given = self.normalised.get("networks", {}).get(name) or {}
        if given.get("external"):
            return str(given.get("name", name))
        return names.network(self.project, self.stack.name, name, self.environment)

    def is_own(self, service: str) -> bool:
        """Return whether a service is on networks of the stack only, which no other application shares."""
        given = self.normalised.get("networks", {})
        own = {self.server_name(name) for name in self._in_file(service) if not (given.get(name) or {}).get("external")}
        return own >= set(self.of_service(service))

    def created(self) -> dict[str, Mapping]:
        """Return the networks that a release creates where they are missing, by their name on the server.

        ``containers`` is how many containers a network has while both colors run.
        """
        used: dict[str, int] = {}
        for service, role in self.roles.items():
            count = replicas_of(self.normalised, service) * (2 if role in PER_COLOR else 1)
            for name in self._in_file(service):
                used[name] = used.get(name, 0) + count
        given = self.normalised.get("networks", {})
        return {
            self.server_name(name): {
                "internal": bool((given.get(name) or {}).get("internal")),
                "containers": used[name],
            }
            for name in sorted(used)
            if not (given.get(name) or {}).get("external")
        }
