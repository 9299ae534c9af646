from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import address_plan
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.address_plan import AddressPlan, prefix_for

POOL = IPv4Network("10.201.0.0/16")

# Destination, gateway, flags and mask of /proc/net/route: default, docker0, a VPN, a static route, a LAN.
ROUTES = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0
docker0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0
tun0 0000000A 0100080A 0003 0 0 0 000000FF 0 0 0
eth0 0001C90A 010200C0 0003 0 0 0 00FFFFFF 0 0 0
eth1 0000C80A 00000000 0001 0 0 0 0000FEFF 0 0 0
"""


def plan(*used: str, pool: str = "10.201.0.0/16", **recorded: str) -> AddressPlan:
    subnets = {f"the network {index}": (IPv4Network(one),) for index, one in enumerate(used)}
    return AddressPlan(IPv4Network(pool), subnets, {name: IPv4Network(one) for name, one in recorded.items()})


@pytest.mark.parametrize(("containers", "prefix"), [(0, 26), (1, 26), (30, 26), (31, 25), (62, 25), (63, 24)])
def test_a_subnet_has_room_for_twice_the_containers(containers: int, prefix: int) -> None:
    assert prefix_for(containers) == prefix
    assert address_plan.capacity(IPv4Network(("10.0.0.0", prefix))) >= max(2 * containers, 61)


def test_networks_get_subnets_one_after_another_without_overlap() -> None:
    current, found = plan(), []
    for index in range(1024):
        subnet = current.choose(f"n{index}", 4)
        assert subnet
        found.append(subnet)
        current = current.with_used(f"the network n{index}", subnet)
    assert (found[0], found[1], found[-1]) == tuple(
        IPv4Network(one) for one in ("10.201.0.0/26", "10.201.0.64/26", "10.201.255.192/26")
    )
    assert all(before.broadcast_address < after.network_address for before, after in zip(found, found[1:]))
    assert current.choose("one-more", 4) is None
    assert current.count_free() == 0


@pytest.mark.parametrize(
    ("used", "containers", "subnet"),
    [
        (("10.201.0.0/26",), 4, "10.201.0.64/26"),
        (("10.201.0.64/26",), 4, "10.201.0.0/26"),
        (("10.201.0.64/26",), 40, "10.201.0.128/25"),
        (("10.201.0.0/17",), 4, "10.201.128.0/26"),
        (("10.201.0.5/32", "10.201.0.64/30"), 4, "10.201.0.128/26"),
        (("10.0.0.0/16", "10.202.0.0/16"), 4, "10.201.0.0/26"),
        (("10.0.0.0/8",), 4, None),
        (("10.201.0.0/16",), 4, None),
        (("10.201.0.64/26", "10.201.0.0/24"), 4, "10.201.1.0/26"),
    ],
)
def test_what_others_use_is_skipped(used: tuple[str, ...], containers: int, subnet: str | None) -> None:
    assert plan(*used).choose("n", containers) == (IPv4Network(subnet) if subnet else None)


def test_a_network_that_is_created_again_gets_its_subnet_again() -> None:
    assert plan("10.201.0.0/26", n="10.201.7.0/26").choose("n", 4) == IPv4Network("10.201.7.0/26")


@pytest.mark.parametrize(
    ("recorded", "containers"),
    [("10.201.0.0/26", 4), ("10.201.7.0/26", 40), ("10.99.0.0/26", 4)],
)
def test_a_recorded_subnet_that_is_taken_small_or_outside_is_replaced(recorded: str, containers: int) -> None:
    subnet = plan("10.201.0.0/26", n=recorded).choose("n", containers)
    assert subnet
    assert subnet != IPv4Network(recorded)
    assert subnet.subnet_of(POOL)


def test_subnets_recorded_for_others_are_taken_last() -> None:
    small = plan(pool="10.201.0.0/25", other="10.201.0.0/26")
    assert small.choose("n", 4) == IPv4Network("10.201.0.64/26")
    full = small.with_used("the network n", IPv4Network("10.201.0.64/26"))
    assert full.choose("m", 4) == IPv4Network("10.201.0.0/26")


def test_a_pool_that_is_smaller_than_the_network() -> None:
    assert plan(pool="10.201.0.0/27").choose("n", 4) is None


def test_routes_of_others_are_in_use_and_wide_ones_over_a_gateway_are_not() -> None:
    found = address_plan.routes_in_use(ROUTES, POOL)
    assert {name: str(subnet) for name, (subnet,) in found.items()} == {
        "the route 172.17.0.0/16 of docker0": "172.17.0.0/16",
        "the route 10.201.1.0/24 of eth0": "10.201.1.0/24",
        "the route 10.200.0.0/15 of eth1": "10.200.0.0/15",
    }


def test_who_uses_the_pool_is_named() -> None:
    assert plan("10.0.0.0/8", "192.168.0.0/24").blocking() == "the network 0"
    assert plan(*(f"10.201.{index}.0/24" for index in range(7))).blocking().endswith("the network 4 and 2 more")
    assert plan().blocking() == "nothing"
