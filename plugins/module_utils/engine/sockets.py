# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP sockets in ``/proc/<pid>/net/tcp``: open connections to a container, and listeners on this server.

A proxy that opens one connection per request has as many requests in flight as open connections.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

# States in /proc/<pid>/net/tcp (proc(5); include/net/tcp_states.h).
ESTABLISHED = "01"
LISTEN = "0A"

# 127.0.0.1, ::1 and ::ffff:127.0.0.1 in the byte order of a little-endian machine: a container's own connections.
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


def established(table: str, port: int) -> int:
    """Return how many connections to a local port a table has, without those from the container itself."""
    count = 0
    for row in (line.split() for line in table.splitlines()[1:]):
        if len(row) > 3 and row[3] == ESTABLISHED and int(row[1].rpartition(":")[2], 16) == port:
            count += row[2].rpartition(":")[0] not in LOOPBACK
    return count


def open_to(pid: int, port: int, proc: Path = Path("/proc")) -> int:
    """Return the open connections to a port in the network namespace of a process; 0 if it has ended."""
    return sum(established(table, port) for table in _tables(proc / str(pid) / "net"))


@dataclass(frozen=True)
class Listener:
    """A process that listens on a port of this server; ``pid`` is 0 if it is unknown."""

    address: str
    pid: int = 0
    name: str = ""


def listeners(port: int, proc: Path = Path("/proc")) -> list[Listener]:
    """Return the listeners on a TCP port of this server, one per address."""
    by_address: dict[str, Listener] = {}
    for row in (line.split() for table in _tables(proc / "net") for line in table.splitlines()[1:]):
        if len(row) > 9 and row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port:
            address = _readable(row[1].rpartition(":")[0])
            by_address.setdefault(address, _listener(address, row[9], proc))
    return list(by_address.values())


def _listener(address: str, inode: str, proc: Path) -> Listener:
    """Return the process with the lowest id that has a socket open (proc(5), /proc/<pid>/fd)."""
    for folder in sorted((path for path in proc.iterdir() if path.name.isdigit()), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):
            if any(os.readlink(link) == f"socket:[{inode}]" for link in (folder / "fd").iterdir()):
                return Listener(address, int(folder.name), (folder / "comm").read_text(encoding="utf-8").strip())
    return Listener(address)


def _readable(address: str) -> str:
    """Return an address from the kernel's form: hexadecimal, in little-endian words of four bytes."""
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def _tables(folder: Path) -> t.Iterator[str]:
    for name in ("tcp", "tcp6"):
        try:
            yield (folder / name).read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
            # The process has ended, or the server has no IPv6.
            continue
