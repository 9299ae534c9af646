from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.modules import server_resources

RunModule = Callable[..., dict[str, t.Any]]

DESIRED = {
    "networks": [
        {"name": "po-shop-prod.front", "stack": "shop", "role": "front"},
        {"name": "po-pages", "role": "pages", "internal": True, "shared": True},
    ],
    "volumes": [{"name": "po-shop-media-prod", "stack": "shop"}],
}
CREATED = ["network po-shop-prod.front", "network po-pages", "volume po-shop-media-prod"]


def test_it_runs_four_times_and_changes_once(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    options = {**on_server, **DESIRED}
    results = [run_module(server_resources.main, options, check=check, diff=True) for check in (True, False) * 2]
    assert [result["changed"] for result in results] == [True, True, False, False]
    assert results[0]["created"] == results[1]["created"] == CREATED
    assert results[0]["diff"] == results[1]["diff"]
    assert results[1]["diff"]["after"].splitlines() == CREATED
    assert results[3]["subnets"] == {"po-shop-prod.front": ["10.201.0.0/26"], "po-pages": ["10.201.0.64/26"]}
    made = machine.engine.made_networks
    own = {"project": "po", "environment": "prod", "stack": "shop"}
    assert made["po-shop-prod.front"]["labels"] == names.labels(**own, role="front")
    assert made["po-pages"]["labels"] == names.labels(project="po", role="pages")
    assert (made["po-shop-prod.front"]["internal"], made["po-pages"]["internal"]) == (False, True)
    labels = names.labels(project="po", environment="prod", stack="shop")
    assert machine.engine.made_volumes["po-shop-media-prod"]["labels"] == labels


def test_a_foreign_network_fails(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    machine.engine.ensure_network("po-shop-prod.front", False, {})
    result = run_module(server_resources.main, {**on_server, **DESIRED})
    assert result["failed"]
    assert "the network po-shop-prod.front exists and belongs to no stack" in result["msg"]
    assert list(machine.engine.made_networks) == ["po-shop-prod.front"]
