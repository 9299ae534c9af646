from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import HOST, Machine

from ansible_collections.switchyard.stacks.plugins.modules import placeholder_page

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(on_server: dict[str, t.Any]) -> dict[str, t.Any]:
    stacks = [{"name": "shop", "routes": [{"service": "web", "port": 8000, "hosts": [HOST]}]}]
    return {**on_server, "stacks": stacks, "placeholder": "soon", "maintenance": "closed"}


def test_a_stack_without_a_release_gets_its_route_once(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    result = run_module(placeholder_page.main, options)
    assert (result["changed"], result["stacks"]) == (True, ["shop"])
    assert machine.proxy.state.stack_of_route(f"{HOST}/") == "po.shop.prod"
    assert not run_module(placeholder_page.main, options)["changed"]


def test_check_mode_returns_the_same_and_changes_nothing(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    predicted = run_module(placeholder_page.main, options, check=True, diff=True)
    assert machine.proxy.state.routes == {}
    done = run_module(placeholder_page.main, options, diff=True)
    assert (predicted["changed"], predicted["diff"]) == (done["changed"], done["diff"])


def test_a_route_needs_hosts_and_a_port(run_module: RunModule, options: dict[str, t.Any]) -> None:
    result = run_module(
        placeholder_page.main, {**options, "stacks": [{"name": "shop", "routes": [{"service": "web"}]}]}
    )
    assert result["failed"]
    assert "hosts, port" in result["msg"]
