# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports of colors on 127.0.0.1, for a proxy that runs on the server itself.

Such a proxy cannot use Docker's DNS. A published port does not change when its container, the engine or the server
restarts, and only this server can connect to it.

A color of a service keeps its ports from release to release, so that the proxy needs no reload and a rollback finds its
ports. The ports of all kept releases of all stacks are therefore reserved.
"""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

from .. import atomic_file, paths
from ..errors import SwitchyardError

ADDRESS = "127.0.0.1"

# The ports of each service; the ports of one service are consecutive.
Ports = t.Mapping[str, t.Sequence[int]]


def allocate(
    span: tuple[int, int],
    replicas: t.Mapping[str, int],
    before: t.Sequence[Ports],
    reserved: t.Collection[int],
    is_free: t.Callable[[int], bool],
) -> dict[str, list[int]]:
    """Return a port per replica of each service: the ports of an earlier release, or new consecutive ones.

    ``before`` are the ports of this color's releases, the newest first. Raises SwitchyardError if ``span`` has not
    enough free consecutive ports.
    """
    allocated: dict[str, list[int]] = {}
    for service, count in replicas.items():
        earlier = (list(ports[service]) for ports in before if len(ports.get(service, ())) == count)
        reusable = next((ports for ports in earlier if all(map(is_free, ports))), None)
        used = {*reserved, *(port for ports in allocated.values() for port in ports)}
        allocated[service] = reusable or _consecutive(span, count, used, is_free)
    return allocated


def _consecutive(
    span: tuple[int, int], count: int, reserved: t.Collection[int], is_free: t.Callable[[int], bool]
) -> list[int]:
    ports: list[int] = []
    for port in range(span[0], span[1] + 1):
        ports = [*ports, port] if port not in reserved and is_free(port) else []
        if len(ports) == count:
            return ports
    raise SwitchyardError(
        f"{ADDRESS} has no {count} consecutive free ports between {span[0]} and {span[1]}. "
        "Extend proxy_published_ports of the role proxy and run setup.yml."
    )


def reserved(root: Path) -> set[int]:
    """Return the ports in the records of all releases on this server."""
    records = (atomic_file.read_json(path) or {} for path in paths.all_records(root))
    return {port for record in records for ports in record.get("ports", {}).values() for port in ports}


def is_free(port: int) -> bool:
    """Return whether a port can be bound now."""
    with socket.socket() as probe:
        # The engine binds with this option too: connections in TIME_WAIT do not prevent it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
        return True
