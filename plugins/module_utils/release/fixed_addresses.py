# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a color's containers on the network of the proxy, which no other container gets.

Docker gives a new container the lowest free address of a network, so that the address of one that has ended soon
belongs to another one, which a proxy then asks by the old name. The containers of a color have addresses of the upper
half instead, in turn. A container keeps its address for as long as it exists, also while it is stopped.
"""

from __future__ import annotations

import copy
import typing as t
from ipaddress import IPv4Address, IPv4Network

from .. import atomic_file, names, paths
from ..engine import networks
from ..engine.models import Mapping
from .context import StackContext
from .record import Record


def choose(subnet: IPv4Network, used: t.Collection[str], last: int, count: int) -> list[IPv4Address]:
    """Return up to ``count`` unused addresses of the upper half, those behind the ``last`` one first.

    ``last`` is the number of an address in the subnet. The last address of all is the network's broadcast address.
    """
    first, end = subnet.num_addresses // 2, subnet.num_addresses - 1
    begin = min(max(first, last + 1), end)
    numbers = [*range(begin, end), *range(first, begin)]
    return [subnet[number] for number in numbers if str(subnet[number]) not in used][:count]


def with_addresses(project: Mapping, network: str, addresses: t.Mapping[str, IPv4Address]) -> Mapping:
    """Return a Compose project in which these services, and no others, have a fixed address on a network."""
    result = copy.deepcopy(project)
    for name, service in result["services"].items():
        joined = service.get("networks", {})
        if network in joined:
            kept = {key: value for key, value in (joined[network] or {}).items() if key != "ipv4_address"}
            fixed = {"ipv4_address": str(addresses[name])} if name in addresses else {}
            joined[network] = {**kept, **fixed}
    return result


def fix_addresses(ctx: StackContext, project: Mapping) -> Mapping:
    """Return the Compose project of a color with addresses on the network of the proxy, where that has any left.

    A service with several containers gets its addresses from Docker, and so do all where the network is not of our
    pool: Docker refuses a fixed address then.
    """
    front = names.front(ctx.project, ctx.stack, ctx.environment)
    services = [
        name
        for name, service in project.get("services", {}).items()
        if front in service.get("networks", {}) and "container_name" in service
    ]
    subnet = networks.read_book(ctx.host.root).subnets.get(front)
    if not services or not subnet:
        return project
    pool, path = IPv4Network(subnet), paths.fixed_addresses(ctx.host.root)
    with atomic_file.locked(paths.networks_lock(ctx.host.root)):
        last = atomic_file.read_json(path) or {}
        chosen = choose(pool, ctx.engine.addresses_on(front), last.get(front, 0), len(services))
        if chosen:
            number = int(chosen[-1]) - int(pool.network_address)
            atomic_file.write_json(path, {**last, front: number})
    return with_addresses(project, front, dict(zip(services, chosen)))


def renew_addresses(ctx: StackContext, record: Record) -> None:
    """Give the color of a release other addresses before its containers are created again: its own may be in use."""
    path = paths.compose_file(ctx.records.path(record.number), record.color)
    project = atomic_file.read_json(path)
    if project:
        atomic_file.write_json(path, fix_addresses(ctx, project), 0o600)
