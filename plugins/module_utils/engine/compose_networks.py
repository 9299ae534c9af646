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
from .stateful_services import data_store_of

# What the name of a second network ends in, which has no way out. No environment has a dot in its name.
INSIDE = ".internal"

# Other containers there: the proxy and its replacement; PostgreSQL and Redis.
PROXIES = SERVERS = 2


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

        They are those of the file, ``front`` for a routed service, and ``back`` in a stack with shared servers.
        """
        if self.normalised["services"][name].get("network_mode"):
            return {}
        role = self.roles[name]
        aliases = {
            joined: self.host_names.aliases(name, network, color)
            for network in self._in_file(name)
            for joined in self._joined(name, network)
        }
        joined: Mapping = {network: {"aliases": found} if found else {} for network, found in aliases.items()}
        if role == "routed":
            joined[self.front] = {}
        if self.uses_servers:
            joined[self.back] = {}
        return joined

    @property
    def front(self) -> str:
        """The name on the server of the network between the proxy and the routed services of the stack."""
        return names.front(self.project, self.stack.name, self.environment)

    @property
    def back(self) -> str:
        """The name on the server of the network between the shared servers and the stack."""
        return names.back(self.project, self.stack.name, self.environment)

    @property
    def uses_servers(self) -> bool:
        """Whether the stack uses PostgreSQL or Redis of setup.yml; a PostgreSQL in an accessory is its own."""
        return bool(self.stack.shared_database or self.stack.redis)

    def has_egress(self, service: str) -> bool:
        """Return whether a service has a way out of its networks, as far as the file gives it one.

        Without a choice of the inventory, an accessory with the image of a data store has none.
        """
        image = self.normalised["services"][service].get("image") or ""
        is_store = self.roles[service] == "accessory" and data_store_of(image) is not None
        return self.stack.egress.get(service, not is_store)

    def other_ways_out(self, service: str) -> list[str]:
        """Return what can give a service a way out whatever ``egress`` says: external networks, or its network mode."""
        mode = str(self.normalised["services"][service].get("network_mode") or "")
        kind, _colon, other = mode.partition(":")
        if kind == "service" and other in self.roles and not self.has_egress(other):
            return self.other_ways_out(other)
        if mode:
            return [] if mode == "none" else [f"network_mode {mode}"]
        return [self.server_name(name) for name in self._in_file(service) if self._is_external(name)]

    def _joined(self, service: str, network: str) -> list[str]:
        """Return the names on the server of what a service joins for a network of the file.

        Where one of the network's services has no way out, all of them share a second network without one, and the
        others share the first as well. So the same services reach each other as in the file.
        """
        given, name = self.normalised.get("networks", {}).get(network) or {}, self.server_name(network)
        if given.get("external") or given.get("internal"):
            return [name]
        if all(self.has_egress(other) for other in self.roles if network in self._in_file(other)):
            return [name]
        return [name, name + INSIDE] if self.has_egress(service) else [name + INSIDE]

    def _in_file(self, service: str) -> t.Iterable[str]:
        definition = self.normalised["services"][service]
        return () if definition.get("network_mode") else definition.get("networks") or ["default"]

    def _is_external(self, name: str) -> bool:
        return bool((self.normalised.get("networks", {}).get(name) or {}).get("external"))

    def server_name(self, name: str) -> str:
        """Return the name on the server of a network of the file."""
        given = self.normalised.get("networks", {}).get(name) or {}
        if given.get("external"):
            return str(given.get("name", name))
        return names.network(self.project, self.stack.name, name, self.environment)

    def is_own(self, service: str) -> bool:
        """Return whether a service is on networks of the stack only, which no other application shares."""
        own = {
            joined
            for name in self._in_file(service)
            if not self._is_external(name)
            for joined in self._joined(service, name)
        }
        return own >= set(self.of_service(service))

    def created(self) -> dict[str, Mapping]:
        """Return the networks that a release creates where they are missing, by their name on the server.

        ``role`` is their label, and ``containers`` how many containers they have while both colors run. ``front`` and
        ``back`` lead nowhere else: the proxy and the shared servers are in the networks of all stacks.
        """
        result: dict[str, Mapping] = {}
        given = self.normalised.get("networks", {})
        for service, role in self.roles.items():
            count = replicas_of(self.normalised, service) * (2 if role in PER_COLOR else 1)
            for name in self._in_file(service):
                network = given.get(name) or {}
                if not network.get("external"):
                    for joined in self._joined(service, name):
                        internal = bool(network.get("internal")) or joined != self.server_name(name)
                        _add(result, joined, "stack", internal, count)
            if self.normalised["services"][service].get("network_mode"):
                continue
            if role == "routed":
                _add(result, self.front, "front", True, count, PROXIES)
            if self.uses_servers:
                _add(result, self.back, "back", True, count, SERVERS)
        return dict(sorted(result.items()))


def _add(result: dict[str, Mapping], name: str, role: str, internal: bool, count: int, others: int = 0) -> None:
    network = result.setdefault(name, {"role": role, "internal": internal, "containers": others})
    network["containers"] += count
