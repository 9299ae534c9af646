# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of this server on which colors are published, for a proxy that runs on the server itself.

Only containers can ask Docker's DNS. A published port stays the same when its container, the engine or the server
starts again, and nobody has to follow it. It is bound to 127.0.0.1, so that it is in reach of this server only.

A color of a service keeps its ports from release to release: the proxy needs no reload, and a release that is kept
can come back. So what any kept release of any stack has is taken.
"""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

from .. import atomic_file, paths
from ..errors import SwitchyardError

ADDRESS = "127.0.0.1"

# Services and their ports; the ports of a service stand in a row.
Ports = t.Mapping[str, t.Sequence[int]]


def allocate(
    span: tuple[int, int],
    wanted: t.Mapping[str, int],
    before: t.Sequence[Ports],
    taken: t.Collection[int],
    free: t.Callable[[int], bool],
) -> dict[str, list[int]]:
    """Return as many ports per service as are wanted: those of one of the releases ``before``, or new ones.

    ``before`` has this color's ports, the newest first. ``free`` says whether a port can be used now. Raises
    SwitchyardError where no row of free ports is long enough.
    """
    given: dict[str, list[int]] = {}
    for service, count in wanted.items():
        own = (list(ports[service]) for ports in before if len(ports.get(service, ())) == count)
        kept = next((row for row in own if all(map(free, row))), None)
        given[service] = kept or _row(span, count, {*taken, *(port for row in given.values() for port in row)}, free)
    return given


def _row(span: tuple[int, int], count: int, taken: t.Collection[int], free: t.Callable[[int], bool]) -> list[int]:
    row: list[int] = []
    for port in range(span[0], span[1] + 1):
        row = [*row, port] if port not in taken and free(port) else []
        if len(row) == count:
            return row
    raise SwitchyardError(
        f"No {count} ports in a row are free on {ADDRESS} between {span[0]} and {span[1]}. "
        "Give the role proxy more of them (proxy_published_ports) and run setup.yml."
    )


def reserved(root: Path) -> set[int]:
    """Return the ports of all releases that are kept on this server."""
    records = (atomic_file.read_json(path) or {} for path in paths.all_records(root))
    return {port for record in records for row in record.get("ports", {}).values() for port in row}


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port now."""
    with socket.socket() as probe:
        # As the engine binds it: connections that have ended are in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
        return True
