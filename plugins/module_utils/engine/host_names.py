# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host names by which the services of a Compose file reach each other in a release.

Docker's DNS answers a name with every container that has it on a network of the client. So containers of a color have
only full names there, with the stack and the color in them, and each client has links: aliases that Docker resolves for
this client alone, from a name of the file to a full name. Links need no network of the color, and Docker's address
pools hold about thirty networks. An accessory outlives colors, so that it has no links to one; what runs once has the
names of the file too, for accessories.

Source: libnetwork, ``Sandbox.ResolveName``: an alias of the client precedes and hides the same name of others.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import names

# The roles of services that run once, not once per color.
ONCE = ("worker", "accessory")
PER_COLOR = ("routed", "inner")


@dataclass(frozen=True)
class HostNames:
    """The host names of one normalised Compose file. ``roles`` has the role of each service."""

    normalised: t.Mapping[str, t.Any]
    project: str
    stack: str
    environment: str
    roles: t.Mapping[str, str]

    def full(self, name: str, service: str, color: str | None) -> str:
        """Return the name of a service of the file that no other stack and no other color has."""
        own = color if self.roles[service] in PER_COLOR else None
        return names.container(self.project, self.stack, name, self.environment, own)

    def on_network(self, service: str, network: str) -> list[str]:
        """Return the names of a service on a network of the file: its own, container_name, hostname, the aliases."""
        definition = self.normalised["services"][service]
        joined = (definition.get("networks") or {}).get(network) or {}
        found = [service, definition.get("container_name"), definition.get("hostname"), *(joined.get("aliases") or [])]
        return [name for name in dict.fromkeys(found) if name]

    def of_service(self, service: str) -> list[str]:
        """Return the names of a service on any network; the first one is its own."""
        networks = self.normalised["services"][service].get("networks") or ["default"]
        return list(dict.fromkeys(name for network in networks for name in self.on_network(service, network)))

    def aliases(self, service: str, network: str, color: str | None) -> list[str]:
        """Return the aliases of a service's container on a network of the file.

        Compose adds the full name of the service itself. On an external network only the aliases of the file are as
        written: other applications use them.
        """
        known = self.on_network(service, network)
        full = [self.full(name, service, color) for name in known if name != service]
        if self.roles[service] not in ONCE:
            return full
        given = self.normalised.get("networks", {}).get(network) or {}
        joined = (self.normalised["services"][service].get("networks") or {}).get(network) or {}
        return [*((joined.get("aliases") or []) if given.get("external") else known), *full]

    def links(self, service: str, color: str) -> list[str]:
        """Return the links of a service's container in the form of Compose: ``<full name>:<name>``.

        ``color`` is that of the release. ``links`` of the file come first: they rename a service for this client only.
        """
        is_accessory = self.roles[service] == "accessory"
        found: dict[str, str] = {}
        for link in self.normalised["services"][service].get("links") or []:
            target, _separator, alias = link.partition(":")
            if self.roles.get(target) in (ONCE if is_accessory else (*ONCE, *PER_COLOR)):
                found[alias or target] = self.full(target, target, color)
        reached = [] if is_accessory else [other for other, role in self.roles.items() if role in (*ONCE, *PER_COLOR)]
        own = [(other, other) for other in reached]
        more = [(other, name) for other in reached for name in self.of_service(other)[1:]]
        for other, name in [*own, *more]:
            # Docker compares the names of links by case, and DNS does not.
            for spelled in (name, name.lower()):
                found.setdefault(spelled, self.full(name, other, color))
        return [f"{full}:{name}" for name, full in found.items()]

    def ambiguous(self) -> dict[str, list[str]]:
        """Return the names that belong to a service of a color and to one that runs once, with the services."""
        owners: dict[str, list[str]] = {}
        for service, role in self.roles.items():
            if role in (*ONCE, *PER_COLOR):
                for name in self.of_service(service):
                    owners.setdefault(name.lower(), []).append(service)
        return {
            name: services
            for name, services in owners.items()
            if len({self.roles[service] in ONCE for service in services}) > 1
        }
