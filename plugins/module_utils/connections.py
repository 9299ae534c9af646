# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open connections to a port of a container, for proxies that do not count the requests of a color themselves.

Where a proxy opens a connection per request, as ours do, a connection is a request in flight.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

# proc(5), /proc/pid/net/tcp: the state of a connection that both sides have open (include/net/tcp_states.h).
ESTABLISHED = "01"

# 127.0.0.1 and ::1 as the kernel of a little-endian machine writes them: what a container asks of itself.
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


def established(table: str, port: int) -> int:
    """Return how many connections from elsewhere to a local port are open in a table of ``/proc/<pid>/net/tcp``."""
    count = 0
    for row in (line.split() for line in table.splitlines()[1:]):
        if len(row) > 3 and row[3] == ESTABLISHED and int(row[1].rpartition(":")[2], 16) == port:
            count += row[2].rpartition(":")[0] not in LOOPBACK
    return count


def open_to(pid: int, port: int, proc: Path = Path("/proc")) -> int:
    """Return how many connections to a port are open in the network of a process; none when it has ended."""
    return sum(established(table, port) for table in _tables(proc / str(pid) / "net"))


def _tables(folder: Path) -> t.Iterator[str]:
    for name in ("tcp", "tcp6"):
        try:
            yield (folder / name).read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
            # The container has ended, or this machine has no IPv6.
            continue
