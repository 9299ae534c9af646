# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in flight, counted as connections to a color's containers, for proxies without a counter per color.

These proxies open one connection to the application per request, so both numbers are the same.
"""

from __future__ import annotations

import abc
import typing as t

from .. import names
from ..engine import sockets

if t.TYPE_CHECKING:
    from ..engine.docker_client import Engine
    from ..engine.models import Container


class ConnectionCount(abc.ABC):
    """The counting part of a proxy driver."""

    engine: Engine

    @abc.abstractmethod
    def container_ports(self, key: str, color: str) -> dict[str, int]:
        """Return the port inside the container of each service of a color."""

    def connections(self, key: str, color: str) -> list[tuple[Container, int]]:
        """Return the containers of a color's services, each with its number of open connections."""
        project, stack, environment = names.parse_stack_key(key)
        ports = self.container_ports(key, color)
        containers = self.engine.containers(project=project, stack=stack, environment=environment, color=color)
        return [
            (container, sockets.open_to(container.pid, port) if container.pid else 0)
            for container in containers
            for port in [ports.get(container.label("service"))]
            if port
        ]

    def in_flight(self, key: str, color: str) -> int:
        """Return the number of open connections to a color's containers."""
        return sum(count for _container, count in self.connections(key, color))
