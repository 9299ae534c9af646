"""Preflight counts the networks that a release needs, and the addresses in those that exist."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import COMPOSE, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import network_addresses
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)

STACK = "switchyard_stacks[shop]"
LABELS = names.labels(project="po", environment="prod", stack="shop", role="stack")
NETWORKS = {
    **normalised(web={"networks": {"default": None, "inside": None}}),
    "networks": {"default": {}, "inside": {}},
}


@pytest.fixture(autouse=True)
def _server(docker: Callable[[str], Callable[[], list[str]]]) -> None:
    docker(COMPOSE)


def problems(machine: Machine, content: dict[str, object]) -> list[str]:
    context = StackCheckContext(HostCheckContext(machine.host), given(content))
    return [f"{problem.code} {problem}" for problem in network_addresses.check(context)]


def test_a_server_with_addresses_has_no_problem(machine: Machine) -> None:
    assert problems(machine, NETWORKS) == []


def test_each_network_without_a_subnet_is_named(machine: Machine) -> None:
    machine.engine.create_network("lan", False, {}, "10.201.0.0/16")
    assert problems(machine, NETWORKS) == [
        f"server.network_pool {STACK}: The pool 10.201.0.0/16 has no free subnet of 64 addresses for the network "
        f"{name}; used by: the network lan. Set another switchyard_network_pool that nothing uses, and run setup.yml; "
        "or retire stacks."
        for name in ("po-shop-default-prod", "po-shop-inside-prod", "po-shop-prod.front")
    ]


def test_networks_that_exist_need_nothing_of_the_pool(machine: Machine) -> None:
    machine.engine.create_network("lan", False, {}, "10.201.0.0/16")
    for name in ("default", "inside"):
        machine.engine.create_network(f"po-shop-{name}-prod", False, LABELS, f"172.{len(name)}.0.0/16")
    machine.engine.create_network(
        "po-shop-prod.front", False, {**LABELS, **names.labels(role="front")}, "172.30.0.0/16"
    )
    assert problems(machine, NETWORKS) == []


@pytest.mark.parametrize(
    ("internal", "message"),
    [
        (True, "exists with a way out, and the files make it internal"),
        (False, "exists without a way out, and the files make it one that is not internal"),
    ],
)
def test_a_network_that_is_not_as_in_the_file_is_named(machine: Machine, internal: bool, message: str) -> None:
    machine.engine.create_network("po-shop-default-prod", not internal, LABELS)
    assert problems(machine, {**normalised(), "networks": {"default": {"internal": internal}}}) == [
        f"server.network_internal {STACK}: the network po-shop-default-prod {message}. Give the network another name "
        "in the files; the old one is removed when no container uses it."
    ]


def test_a_network_that_is_too_small_for_both_colors_is_named(machine: Machine) -> None:
    machine.engine.create_network("po-shop-default-prod", False, LABELS, "10.201.0.0/28")
    assert problems(machine, normalised(web={"scale": 6})) == []
    assert problems(machine, normalised(web={"scale": 7})) == [
        f"server.network_too_small {STACK}: the network po-shop-default-prod (10.201.0.0/28) has too few addresses for "
        "14 containers, the number while both colors run. Lower the number of replicas, or give the network another "
        "name in the file."
    ]


def test_a_file_of_subnets_that_cannot_be_read_is_a_problem(machine: Machine) -> None:
    (machine.root / "networks.json").write_text("[]")
    (found,) = problems(machine, normalised())
    assert found.startswith(f"server.network_pool server: {machine.root}/networks.json cannot be read")
