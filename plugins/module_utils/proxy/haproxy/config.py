# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy configuration of one stack and of the user lists."""

from __future__ import annotations

from ..layout import WRITTEN_BY_RELEASE
from ..state import StackRoutes
from . import route_options

# The only configuration file with secrets in it.
USERS = "05-users.cfg"


def backend(key: str, service: str, color: str) -> str:
    """Return the name of the backend of one color of a service."""
    return f"{key}_{service}_{color}"


def configuration(routing: StackRoutes, color: str, published: bool = False) -> str:
    """Return the configuration of one color: a backend per service.

    Docker's DNS finds its servers, or they are at the host ports on which they are ``published``.
    """
    lines = [f"# {routing.stack} of {routing.environment}, {color}. {WRITTEN_BY_RELEASE}", ""]
    for service, port in routing.services().items():
        count = routing.replicas.get(service, 1)
        servers = [f"server-template {service} {count} {routing.server(service, color)}:{port}"]
        if published:
            addresses = routing.published(service)
            servers = [f"server {service}{number} {address}" for number, address in enumerate(addresses, 1)]
        content = [*route_options.lines(routing, service, color), route_options.body_rule(), *servers]
        lines += [f"backend {backend(routing.key, service, color)}", *(f"    {line}" for line in content), ""]
    return "\n".join([*lines, *route_options.tables(routing, color)])


def userlist(name: str, members: str) -> str:
    """Return an HAProxy user list, from lines of ``name:hash``."""
    users = [line.partition(":")[::2] for line in members.splitlines()]
    return "\n".join([f"userlist {name}", *(f"    user {user} password {digest}" for user, digest in users), ""])
