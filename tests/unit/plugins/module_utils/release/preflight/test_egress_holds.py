"""A service for which the inventory says that it has no way out has none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import COMPOSE, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import egress_holds
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)

WHERE = "stack.egress switchyard_stacks[shop].egress"
FILES = {
    **normalised(
        web={},
        worker={"networks": {"lan": None}},
        sidecar={"network_mode": "service:worker", "networks": {}},
        quiet={"network_mode": "none", "networks": {}},
        agent={"network_mode": "host", "networks": {}},
    ),
    "networks": {"default": {}, "lan": {"name": "company-lan", "external": True}},
}


@pytest.fixture(autouse=True)
def _server(docker: Callable[[str], Callable[[], list[str]]]) -> None:
    docker(COMPOSE)


def problems(machine: Machine, **egress: bool) -> list[str]:
    spec = given(FILES, workers=["worker"], accessories=["sidecar", "quiet", "agent"], egress=egress)
    context = StackCheckContext(HostCheckContext(machine.host), spec)
    return [f"{problem.code} {problem}" for problem in egress_holds.check(context)]


def way_out(service: str, way: str) -> str:
    return (
        f"{WHERE}.{service}: {service} has a way out in spite of false: {way}. Remove it from the Compose files, use "
        f"an internal network, or write {service}: true."
    )


def test_a_service_of_networks_of_the_stack_has_none(machine: Machine) -> None:
    assert problems(machine, web=False, quiet=False) == []


def test_an_external_network_is_one_unless_it_is_internal(machine: Machine) -> None:
    assert problems(machine, worker=False) == [way_out("worker", "company-lan")]
    machine.engine.create_network("company-lan", True, {})
    assert problems(machine, worker=False) == []
    assert problems(machine, worker=True) == []


def test_the_network_of_the_server_and_of_another_service_is_one(machine: Machine) -> None:
    assert problems(machine, agent=False) == [way_out("agent", "network_mode host")]
    assert problems(machine, sidecar=False) == [way_out("sidecar", "network_mode service:worker")]
    machine.engine.create_network("company-lan", True, {})
    assert problems(machine, sidecar=False, worker=False) == []


def test_a_published_port_of_a_routed_service_is_one(machine: Machine) -> None:
    machine.proxy.ports = (20000, 20009)
    assert problems(machine, web=False) == [
        f"{WHERE}.web: web has a way out in spite of false: the proxy runs on the server itself, and reaches a port "
        "that the service publishes. Use proxy_install: container, or write web: true."
    ]
    assert problems(machine, web=True, quiet=False) == []
