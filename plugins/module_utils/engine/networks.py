# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates our networks with subnets of the server's own pool, under one lock, and records which one each has.

``networks.json`` in the folder of everything keeps the pool and the subnets, so that a network that is created again
has its old addresses. The engine is the truth about what exists.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from .. import atomic_file, names, paths, state_file
from ..errors import EngineError, SwitchyardError
from .address_plan import DEFAULT_POOL, AddressPlan, capacity, prefix_for, routes_in_use
from .docker_client import Engine, NetworkInUse, SubnetTaken
from .ownership import NOT_OURS, conflict

ROUTES = Path("/proc/net/route")

# How often a subnet may be taken by another program between the look and the creation.
ATTEMPTS = 5


@state_file.register(paths.NETWORKS)
@dataclass(frozen=True)
class AddressBook:
    """The pool of a server, and the subnet of each network that got one, by its name."""

    pool: str = DEFAULT_POOL
    subnets: dict[str, str] = field(default_factory=dict)
    extra: dict[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DesiredNetwork:
    """A network to create: its name, its labels, whether it leads nowhere else, and how many containers it has."""

    name: str
    labels: t.Mapping[str, str]
    internal: bool = False
    containers: int = 0


def read_book(root: Path) -> AddressBook:
    """Return the recorded subnets of this server. Raises SwitchyardError when the file cannot be read."""
    return state_file.load(paths.networks(root), AddressBook) or AddressBook()


def plan_of(book: AddressBook, in_use: t.Mapping[str, NetworkInUse], pool: str | None = None) -> AddressPlan:
    """Return the address plan of this server. Raises SwitchyardError for a pool that is not an IPv4 network."""
    try:
        parsed = IPv4Network(pool or book.pool)
    except ValueError as error:
        raise SwitchyardError(
            f"switchyard_network_pool is not an IPv4 network: {error}.", hint=f"Write it as {DEFAULT_POOL}."
        ) from None
    used = {f"the network {name}": _ipv4(one.subnets) for name, one in in_use.items()}
    known = {subnet for subnets in used.values() for subnet in subnets}
    more = routes_in_use(atomic_file.read(ROUTES) or "", parsed)
    used.update({name: subnets for name, subnets in more.items() if not known & set(subnets)})
    recorded = {name: IPv4Network(subnet) for name, subnet in book.subnets.items() if name not in in_use}
    return AddressPlan(parsed, used, recorded)


def too_small(desired: DesiredNetwork, present: NetworkInUse) -> bool:
    """Return whether a network that exists has fewer addresses than its containers need."""
    subnets = _ipv4(present.subnets)
    return bool(subnets) and sum(map(capacity, subnets)) < desired.containers


def exhausted(desired: DesiredNetwork, plan: AddressPlan) -> SwitchyardError:
    """Return the error of a network for which the pool has no subnet."""
    addresses = 2 ** (32 - prefix_for(desired.containers))
    return SwitchyardError(
        f"The pool {plan.pool} has no free subnet of {addresses} addresses for the network {desired.name}; used by: "
        f"{plan.blocking()}.",
        hint="Set another switchyard_network_pool that nothing uses, and run setup.yml; or retire stacks.",
    )


def foreign(desired: t.Iterable[DesiredNetwork], in_use: t.Mapping[str, NetworkInUse]) -> list[str]:
    """Return why networks that exist under our names cannot be used: they belong to others."""
    found = [
        conflict("network", one.name, in_use[one.name].labels, names.owner(one.labels))
        for one in desired
        if one.name in in_use
    ]
    return [text for text in found if text]


def plan_missing(engine: Engine, root: Path, desired: t.Sequence[DesiredNetwork], pool: str | None = None) -> list[str]:
    """Return the names of the networks that ``ensure`` would create, for check mode. Raises what it raises."""
    in_use = engine.networks_in_use()
    _refuse_foreign(desired, in_use)
    plan = plan_of(read_book(root), in_use, pool=pool)
    missing = [one for one in desired if one.name not in in_use]
    for one in missing:
        subnet = plan.choose(one.name, one.containers)
        if not subnet:
            raise exhausted(one, plan)
        plan = plan.with_used(f"the network {one.name}", subnet)
    return [one.name for one in missing]


def ensure(engine: Engine, root: Path, desired: t.Sequence[DesiredNetwork], pool: str | None = None) -> list[str]:
    """Create the networks that are missing and return their names; ``pool`` replaces the recorded one.

    Raises SwitchyardError for a network of another owner, before any is created, and when the pool has no subnet left.
    """
    if not desired and not pool:
        return []
    root.mkdir(parents=True, exist_ok=True)
    with atomic_file.locked(paths.networks_lock(root)):
        book = before = read_book(root)
        in_use = engine.networks_in_use()
        _refuse_foreign(desired, in_use)
        plan = plan_of(book, in_use, pool=pool)
        book = replace(book, subnets={**book.subnets, **_present(desired, in_use, plan.pool)})
        missing = [one for one in desired if one.name not in in_use]
        for one in missing:
            plan, subnet = _create(engine, one, plan)
            book = replace(book, subnets={**book.subnets, one.name: str(subnet)})
        book = replace(book, pool=str(plan.pool))
        if book != before or not paths.networks(root).exists():
            state_file.save(paths.networks(root), book)
    return [one.name for one in missing]


def _present(
    desired: t.Sequence[DesiredNetwork], in_use: t.Mapping[str, NetworkInUse], pool: IPv4Network
) -> dict[str, str]:
    """Return the subnets of networks that exist: the file with them can be lost, or older than they are."""
    found = {one.name: _ipv4(in_use[one.name].subnets) for one in desired if one.name in in_use}
    return {name: str(subnets[0]) for name, subnets in found.items() if subnets and subnets[0].subnet_of(pool)}


def _refuse_foreign(desired: t.Sequence[DesiredNetwork], in_use: t.Mapping[str, NetworkInUse]) -> None:
    refused = foreign(desired, in_use)
    if refused:
        raise EngineError(f"Nothing was created: {'; '.join(refused)}.", hint=NOT_OURS)


def _create(engine: Engine, desired: DesiredNetwork, plan: AddressPlan) -> tuple[AddressPlan, IPv4Network]:
    """Create a network; return the plan with it, and its subnet."""
    for _attempt in range(ATTEMPTS):
        subnet = plan.choose(desired.name, desired.containers)
        if not subnet:
            break
        try:
            engine.create_network(desired.name, desired.internal, dict(desired.labels), str(subnet))
        except SubnetTaken:
            plan = plan.with_used(f"another program ({subnet})", subnet)
        else:
            return plan.with_used(f"the network {desired.name}", subnet), subnet
    raise exhausted(desired, plan)


def forget(root: Path, removed: t.Collection[str]) -> None:
    """Free the subnets of networks that were removed."""
    if not removed or not paths.networks(root).exists():
        return
    with atomic_file.locked(paths.networks_lock(root)):
        book = read_book(root)
        kept = {name: subnet for name, subnet in book.subnets.items() if name not in removed}
        if kept != book.subnets:
            state_file.save(paths.networks(root), replace(book, subnets=kept))


def _ipv4(subnets: t.Iterable[str]) -> tuple[IPv4Network, ...]:
    parsed = (ip_network(subnet, strict=False) for subnet in subnets)
    return tuple(subnet for subnet in parsed if isinstance(subnet, IPv4Network))
