# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open connections to a port of a container, for proxies that do not count the requests of a color themselves.

Where a proxy opens a connection per request, as ours do, a connection is a request in flight.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

# proc(5), /proc/pid/net/tcp: the state of a connection that both sides have open (include/net/tcp_states.h).
ESTABLISHED = "01"

# The state of a socket that waits for connections.
LISTEN = "0A"

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


@dataclass(frozen=True)
class Listener:
    """A process of this server that waits for connections on a port; 0 and no name where nobody may know it."""

    address: str
    pid: int = 0
    name: str = ""


def listeners(port: int, proc: Path = Path("/proc")) -> list[Listener]:
    """Return who waits for connections on a port of this server, each address once."""
    found: dict[str, Listener] = {}
    for row in (line.split() for table in _tables(proc / "net") for line in table.splitlines()[1:]):
        if len(row) > 9 and row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port:
            address = _readable(row[1].rpartition(":")[0])
            found.setdefault(address, _owner(address, row[9], proc))
    return list(found.values())


def _owner(address: str, inode: str, proc: Path) -> Listener:
    """Return the process that has a socket (proc(5), /proc/pid/fd); a container's first process comes before others."""
    for folder in sorted((path for path in proc.iterdir() if path.name.isdigit()), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):
            if any(os.readlink(link) == f"socket:[{inode}]" for link in (folder / "fd").iterdir()):
                return Listener(address, int(folder.name), (folder / "comm").read_text(encoding="utf-8").strip())
    return Listener(address)


def _readable(address: str) -> str:
    """Return an address that the kernel wrote in words of four bytes, as a little-endian machine has them."""
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def _tables(folder: Path) -> t.Iterator[str]:
    for name in ("tcp", "tcp6"):
        try:
            yield (folder / name).read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
            # The container has ended, or this machine has no IPv6.
            continue
