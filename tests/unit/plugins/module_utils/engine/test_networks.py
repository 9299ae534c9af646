from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from fakes import FakeEngine

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import networks
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import NetworkInUse
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.networks import DesiredNetwork
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError, SwitchyardError

OURS = names.labels(project="po", environment="prod", stack="shop", role="stack")


def desired(*given: str, containers: int = 2) -> list[DesiredNetwork]:
    return [DesiredNetwork(name, OURS, False, containers) for name in given]


def subnets(engine: FakeEngine) -> dict[str, t.Any]:
    return {name: one.get("subnet") for name, one in engine.made_networks.items()}


def recorded(root: Path) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads((root / "networks.json").read_text()))


def create(engine: FakeEngine, root: Path, *given: str, **options: t.Any) -> list[str]:
    return networks.ensure(t.cast(t.Any, engine), root, desired(*given), **options)


def test_networks_get_subnets_of_the_pool_which_are_recorded(tmp_path: Path) -> None:
    engine, root = FakeEngine(), tmp_path / "new"
    assert create(engine, root, "a", "b") == ["a", "b"]
    assert subnets(engine) == {"a": "10.201.0.0/26", "b": "10.201.0.64/26"}
    assert engine.made_networks["a"]["labels"] == OURS
    assert recorded(root) == {"pool": "10.201.0.0/16", "subnets": {"a": "10.201.0.0/26", "b": "10.201.0.64/26"}}
    before = (root / "networks.json").stat().st_mtime_ns
    assert create(engine, root, "a", "b") == []
    assert (root / "networks.json").stat().st_mtime_ns == before


def test_a_network_that_was_pruned_gets_its_subnet_again_and_a_retired_one_frees_it(tmp_path: Path) -> None:
    engine = FakeEngine()
    create(engine, tmp_path, "a", "b")
    del engine.made_networks["a"]
    assert create(engine, tmp_path, "c") == ["c"]
    assert create(engine, tmp_path, "a") == ["a"]
    assert subnets(engine) == {"b": "10.201.0.64/26", "c": "10.201.0.128/26", "a": "10.201.0.0/26"}
    del engine.made_networks["b"]
    networks.forget(tmp_path, ["b"])
    assert create(engine, tmp_path, "d") == ["d"]
    assert subnets(engine)["d"] == "10.201.0.64/26"


def test_networks_that_exist_are_recorded_again_when_the_file_is_lost(tmp_path: Path) -> None:
    engine = FakeEngine()
    create(engine, tmp_path, "a", "b")
    (tmp_path / "networks.json").unlink()
    assert create(engine, tmp_path, "b") == []
    assert recorded(tmp_path)["subnets"] == {"b": "10.201.0.64/26"}
    engine.made_networks["b"]["subnet"] = "172.20.0.0/16"
    (tmp_path / "networks.json").unlink()
    assert create(engine, tmp_path, "b") == []
    assert recorded(tmp_path)["subnets"] == {}


def test_another_pool_holds_for_new_networks_and_for_later_releases(tmp_path: Path) -> None:
    engine = FakeEngine()
    create(engine, tmp_path, "a")
    create(engine, tmp_path, "a", pool="10.9.0.0/20")
    create(engine, tmp_path, "b")
    assert subnets(engine) == {"a": "10.201.0.0/26", "b": "10.9.0.0/26"}


def test_a_subnet_that_another_program_takes_first_is_not_tried_again(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.refused_subnets = {"10.201.0.0/26", "10.201.0.64/26"}
    create(engine, tmp_path, "a", "b")
    assert subnets(engine) == {"a": "10.201.0.128/26", "b": "10.201.0.192/26"}


@pytest.mark.parametrize(
    ("labels", "owner"),
    [
        ({}, "no stack"),
        (names.labels(project="po", environment="prod", stack="blog"), "the stack blog (project po, prod)"),
        (names.labels(project="po", environment="qual", stack="shop"), "the stack shop (project po, qual)"),
    ],
)
def test_a_foreign_network_of_our_name_is_refused_with_its_owner(
    tmp_path: Path, labels: dict[str, str], owner: str
) -> None:
    engine = FakeEngine()
    engine.ensure_network("b", False, labels)
    with pytest.raises(EngineError) as refused:
        create(engine, tmp_path, "a", "b")
    assert refused.value.message == f"Nothing was created: the network b exists and belongs to {owner}."
    assert list(engine.made_networks) == ["b"]
    assert engine.made_networks["b"]["labels"] == labels


def test_a_pool_without_a_subnet_left_says_who_uses_it(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.create_network("lan", False, {}, "10.201.0.0/17")
    with pytest.raises(SwitchyardError) as failed:
        create(engine, tmp_path, "a", "b", "c", pool="10.201.0.0/24")
    assert failed.value.message == (
        "The pool 10.201.0.0/24 has no free subnet of 64 addresses for the network a; used by: the network lan."
    )
    assert "switchyard_network_pool" in failed.value.hint


@pytest.mark.parametrize("pool", ["10.201.0.1/16", "fd00::/48", "many"])
def test_a_pool_that_is_not_an_ipv4_network_is_refused(tmp_path: Path, pool: str) -> None:
    with pytest.raises(SwitchyardError, match="switchyard_network_pool is not an IPv4 network") as failed:
        create(FakeEngine(), tmp_path, "a", pool=pool)
    assert failed.value.hint == "Write it as 10.201.0.0/16."


def test_check_mode_plans_the_same_and_creates_nothing(tmp_path: Path) -> None:
    engine = FakeEngine()
    create(engine, tmp_path, "a")
    planned = networks.plan_missing(t.cast(t.Any, engine), tmp_path, desired("a", "b"))
    assert planned == ["b"]
    assert list(engine.made_networks) == ["a"]


def test_routes_of_the_server_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = tmp_path / "route"
    monkeypatch.setattr(networks, "ROUTES", routes)
    routes.write_text("Iface\neth1 0000C90A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n")
    plan = networks.plan_of(networks.AddressBook(), {})
    assert str(plan.choose("a", 1)) == "10.201.1.0/26"
    # The route of a bridge is that of its network.
    bridge = {"lan": NetworkInUse(subnets=("10.201.0.0/24", "fd00::/64"))}
    assert list(networks.plan_of(networks.AddressBook(), bridge).used) == ["the network lan"]


@pytest.mark.parametrize(
    ("present", "containers", "expected"),
    [(("10.0.0.0/28",), 13, False), (("10.0.0.0/28",), 14, True), (("172.18.0.0/16",), 500, False), ((), 500, False)],
)
def test_a_network_may_have_too_few_addresses(present: tuple[str, ...], containers: int, expected: bool) -> None:
    (one,) = desired("a", containers=containers)
    assert networks.too_small(one, NetworkInUse(subnets=present)) is expected
