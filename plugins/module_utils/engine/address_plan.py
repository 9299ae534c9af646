# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address plan of a server: which subnet of the pool a network gets. Pure: no Docker, no files.

Docker's own pools hold about 30 networks, each of them with thousands of addresses. Ours have what they need.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from ipaddress import IPv4Network

DEFAULT_POOL = "10.201.0.0/16"

# The prefix of the smallest subnets. The engine cannot resize a network, so a subnet has room for twice the containers
# of its first release.
SMALLEST = 26

# The network's own address, the gateway, the broadcast address.
RESERVED = 3

# Flag of a route that another router takes (linux/route.h).
RTF_GATEWAY = 0x2


@dataclass(frozen=True)
class AddressPlan:
    """The pool of a server, the subnets in use there by their user, and the subnets recorded for our networks."""

    pool: IPv4Network
    used: t.Mapping[str, tuple[IPv4Network, ...]]
    recorded: t.Mapping[str, IPv4Network]

    def choose(self, name: str, containers: int) -> IPv4Network | None:
        """Return the subnet of a new network for so many containers; None if the pool has none left.

        It is the recorded one if that is free and large enough, so that a network that is created again has its old
        addresses. The subnets recorded for other networks are the last ones to be taken.
        """
        prefix = prefix_for(containers)
        used = [subnet for subnets in self.used.values() for subnet in subnets]
        own = self.recorded.get(name)
        if own and own.prefixlen <= prefix and own.subnet_of(self.pool) and not any(map(own.overlaps, used)):
            return own
        others = [subnet for other, subnet in self.recorded.items() if other != name]
        return next((found for taken in ([*used, *others], used) for found in free(self.pool, prefix, taken)), None)

    def with_used(self, name: str, subnet: IPv4Network) -> AddressPlan:
        """Return the plan in which a network has a subnet."""
        return AddressPlan(self.pool, {**self.used, name: (subnet,)}, self.recorded)

    def count_free(self) -> int:
        """Return how many more networks of the smallest size the pool has room for."""
        return len(list(free(self.pool, SMALLEST, [one for subnets in self.used.values() for one in subnets])))

    def blocking(self) -> str:
        """Return what uses the pool, in words: networks by name, and routes."""
        users = sorted(name for name, subnets in self.used.items() if any(map(self.pool.overlaps, subnets)))
        shown = ", ".join(users[:5])
        return f"{shown} and {len(users) - 5} more" if len(users) > 5 else shown or "nothing"


def prefix_for(containers: int) -> int:
    """Return the prefix of a subnet with room for twice as many containers, and for 61 at least."""
    addresses = 2 * containers + RESERVED
    return min(SMALLEST, 32 - (addresses - 1).bit_length())


def capacity(subnet: IPv4Network) -> int:
    """Return how many containers a subnet has addresses for."""
    return subnet.num_addresses - RESERVED


def free(pool: IPv4Network, prefix: int, taken: t.Iterable[IPv4Network]) -> t.Iterator[IPv4Network]:
    """Yield the subnets of a size in the pool that overlap with none that is taken, in the order of their addresses."""
    if prefix < pool.prefixlen:
        return
    size = 2 ** (32 - prefix)
    position, end = int(pool.network_address), int(pool.broadcast_address)
    spans = sorted((int(subnet.network_address), int(subnet.broadcast_address)) for subnet in taken)
    for first, last in [*spans, (end + 1, end + 1)]:
        while position + size <= min(first, end + 1):
            yield IPv4Network((position, prefix))
            position += size
        # The next multiple of the size behind it; subnets are aligned to their size.
        position = max(position, (last // size + 1) * size)


def routes_in_use(table: str, pool: IPv4Network) -> dict[str, tuple[IPv4Network, ...]]:
    """Return the subnets of the server's routes that our networks must not have, by a name for messages.

    ``table`` is the content of /proc/net/route. A route over a gateway that is wider than the pool is none: a default
    route, or that of a VPN to all of 10.0.0.0/8. Docker's own choice of subnets does the same (moby, netutils).
    """
    found: dict[str, tuple[IPv4Network, ...]] = {}
    for line in table.splitlines()[1:]:
        columns = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(columns[index]), "little") for index in (1, 7))
        subnet = IPv4Network((address, bin(mask).count("1")))
        is_wide = bool(int(columns[3], 16) & RTF_GATEWAY) and subnet.prefixlen <= pool.prefixlen
        if subnet.prefixlen and not is_wide:
            found[f"the route {subnet} of {columns[0]}"] = (subnet,)
    return found
