# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the host names of routes lead to this server in DNS.

The names are looked up on the server, in threads that nothing waits for longer than a limit.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import SEVERITIES, Problem
from .context import HostCheckContext

NEEDS: tuple[str, ...] = ()

# Seconds from the start of the lookups. A server without a network answers sooner, or does not answer at all.
LIMIT = 2.0

# Top-level names that DNS never has (RFC 6761).
SPECIAL = ("localhost", "test", "example", "invalid")


@dataclass
class Lookups:
    """Lookups of host names that run: the addresses by name; None for a name without one."""

    names: t.Sequence[str]
    found: dict[str, set[str] | None] = field(default_factory=dict)
    deadline: float = 0.0
    threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def start(cls, names: t.Iterable[str], limit: float = LIMIT) -> Lookups:
        """Start to look up names; ``limit`` is in seconds."""
        lookups = cls(sorted({name for name in names if name.rpartition(".")[2] not in SPECIAL}))
        lookups.deadline = time.monotonic() + limit
        for name in lookups.names:
            # A daemon: the process ends although a resolver does not answer.
            thread = threading.Thread(target=lookups._look_up, args=(name,), daemon=True)
            lookups.threads.append(thread)
            thread.start()
        return lookups

    def results(self) -> dict[str, set[str] | None]:
        """Return what is known when all lookups or the time have ended; a name that was not answered is missing."""
        for thread in self.threads:
            thread.join(max(0.0, self.deadline - time.monotonic()))
        return dict(self.found)

    def _look_up(self, name: str) -> None:
        try:
            self.found[name] = {str(answer[4][0]) for answer in socket.getaddrinfo(name, None)}
        except socket.gaierror as error:
            # Without a network the answer is EAI_AGAIN, and nothing is known of the name (getaddrinfo(3)).
            if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
                self.found[name] = None
        except (OSError, UnicodeError):
            return


def check(context: HostCheckContext) -> list[Problem]:
    """Return the hosts of routes that DNS does not have, or that lead to another machine."""
    if context.dns not in SEVERITIES or not context.lookups:
        return []
    own = {*context.addresses, *own_addresses()}
    return problems(hosts_of(context), context.lookups.results(), own, context.dns)


def hosts_of(context: HostCheckContext) -> dict[str, str]:
    """Return the hosts of all routes with the path of the first route in the inventory that has it."""
    hosts: dict[str, str] = {}
    for spec in context.specs:
        for kind, index, endpoint in spec.stack.endpoints:
            for host in endpoint.hosts:
                hosts.setdefault(host, f"{spec.where}.{kind}[{index}].hosts")
    return hosts


def problems(
    hosts: t.Mapping[str, str], found: t.Mapping[str, set[str] | None], own: t.Collection[str], severity: str
) -> list[Problem]:
    """Return the problems of ``check``; ``own`` are the addresses that lead to the server."""
    result = []
    for host, where in hosts.items():
        addresses = found.get(host, set(own))
        if addresses is None:
            hint = "Add a DNS record that leads to this server"
            result.append(Problem(where, f"DNS has no address for {host}", hint, "route.dns", severity=severity))
        elif addresses.isdisjoint(own):
            message = f"{host} leads to {', '.join(sorted(addresses))}, and this server has {_listed(own)}"
            hint = "Correct the DNS record, or name the address of the load balancer in switchyard_addresses"
            result.append(Problem(where, message, hint, "route.dns", severity=severity))
    return result


def own_addresses(proc: Path = Path("/proc")) -> set[str]:
    """Return the addresses of this server's network interfaces, without loopback and link-local ones."""
    found: set[str] = set()
    lines = _lines(proc / "net/fib_trie")
    # The address of a local route is on the line before it (Linux, net/ipv4/fib_trie.c).
    for before, line in zip(lines, lines[1:]):
        if line.strip() == "/32 host LOCAL":
            found.add(before.split()[-1])
    # proc(5), /proc/net/if_inet6: the address is 32 hexadecimal digits.
    found |= {str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in _lines(proc / "net/if_inet6")}
    parsed = map(ipaddress.ip_address, found)
    return {str(one) for one in parsed if not one.is_loopback and not one.is_link_local}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []


def _listed(own: t.Collection[str]) -> str:
    """Return the server's addresses for a message: those of Docker's networks would only be confusing."""
    public = [one for one in sorted(own) if not ipaddress.ip_address(one).is_private]
    return ", ".join((public or sorted(own))[:4]) or "no address"
