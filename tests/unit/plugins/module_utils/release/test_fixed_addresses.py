from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file, paths
from ansible_collections.switchyard.stacks.plugins.module_utils.release import fixed_addresses

SMALL = IPv4Network("10.201.0.0/29")
FRONT = "po-shop-prod.front"


@pytest.mark.parametrize(
    ("used", "last", "count", "expected"),
    [
        ((), 0, 1, ["10.201.0.4"]),
        # In turn, so that an address that is free again is used late.
        ((), 4, 2, ["10.201.0.5", "10.201.0.6"]),
        ((), 5, 2, ["10.201.0.6", "10.201.0.4"]),
        ((), 6, 1, ["10.201.0.4"]),
        (("10.201.0.4", "10.201.0.5"), 0, 1, ["10.201.0.6"]),
        # The rest gets addresses from Docker.
        (("10.201.0.4",), 6, 3, ["10.201.0.5", "10.201.0.6"]),
        (("10.201.0.4", "10.201.0.5", "10.201.0.6"), 0, 1, []),
        # Recorded of a larger network.
        ((), 60, 1, ["10.201.0.4"]),
    ],
)
def test_addresses_are_of_the_upper_half_and_in_turn(
    used: tuple[str, ...], last: int, count: int, expected: list[str]
) -> None:
    assert [str(address) for address in fixed_addresses.choose(SMALL, used, last, count)] == expected


def project() -> dict[str, object]:
    return {
        "services": {
            "po-shop-web-prod-blue": {"container_name": "po-shop-web-prod-blue", "networks": {FRONT: {}, "own": {}}},
            "po-shop-api-prod-blue": {"networks": {FRONT: {}}},
            "po-shop-cache-prod-blue": {"container_name": "po-shop-cache-prod-blue", "networks": {"own": {}}},
        }
    }


def book(machine: Machine, subnet: str | None) -> Path:
    root = machine.ctx.host.root
    root.mkdir(parents=True, exist_ok=True)
    atomic_file.write_json(paths.networks(root), {"subnets": {FRONT: subnet} if subnet else {}})
    return root


def test_a_single_container_of_a_routed_service_gets_one(machine: Machine) -> None:
    root = book(machine, "10.201.0.0/29")
    machine.engine.addresses[FRONT] = {"10.201.0.4"}
    before = project()
    after = fixed_addresses.fix_addresses(machine.ctx, before)
    services = after["services"]
    assert services["po-shop-web-prod-blue"]["networks"] == {FRONT: {"ipv4_address": "10.201.0.5"}, "own": {}}
    assert services["po-shop-api-prod-blue"] == {"networks": {FRONT: {}}}
    assert before == project()
    assert atomic_file.read_json(paths.fixed_addresses(root)) == {FRONT: 5}
    # The next release gets the next one.
    later = fixed_addresses.fix_addresses(machine.ctx, before)["services"]["po-shop-web-prod-blue"]
    assert later["networks"][FRONT] == {"ipv4_address": "10.201.0.6"}


def test_a_color_that_is_created_again_gets_other_addresses(machine: Machine) -> None:
    book(machine, "10.201.0.0/29")
    record = machine.released("blue")
    path = paths.compose_file(machine.ctx.records.path(record.number), "blue")
    # Without a file there is nothing to renew.
    fixed_addresses.renew_addresses(machine.ctx, record)
    assert not path.exists()
    atomic_file.write_json(path, fixed_addresses.fix_addresses(machine.ctx, project()))
    machine.engine.addresses[FRONT] = {"10.201.0.4", "10.201.0.5"}
    fixed_addresses.renew_addresses(machine.ctx, record)
    networks = atomic_file.read_json(path)["services"]["po-shop-web-prod-blue"]["networks"]
    assert networks[FRONT] == {"ipv4_address": "10.201.0.6"}
    # Where none is left, Docker chooses one.
    machine.engine.addresses[FRONT] |= {"10.201.0.6"}
    fixed_addresses.renew_addresses(machine.ctx, record)
    assert atomic_file.read_json(path) == project()


def test_a_network_that_is_not_of_the_pool_gives_addresses_itself(machine: Machine) -> None:
    root = book(machine, None)
    assert fixed_addresses.fix_addresses(machine.ctx, project()) == project()
    assert not paths.fixed_addresses(root).exists()
