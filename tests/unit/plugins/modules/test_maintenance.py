from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.modules import maintenance

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(machine: Machine, on_server: dict[str, t.Any]) -> dict[str, t.Any]:
    machine.make_live("blue")
    return {**on_server, "state": "on", "page": "<h1>closed</h1>"}


def test_on_and_off_each_change_once(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(maintenance.main, options)
    assert (result["changed"], result["stacks"], result["requests"]) == (True, ["shop"], 1)
    assert machine.proxy.state.availability == {"po.shop.prod": "maintenance"}
    assert not run_module(maintenance.main, options)["changed"]
    off = {**options, "state": "off", "stacks": ["shop"]}
    assert run_module(maintenance.main, off)["changed"]
    assert machine.proxy.state.availability == {}
    assert not run_module(maintenance.main, off)["changed"]


def test_check_mode_returns_the_same_and_changes_nothing(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    predicted = run_module(maintenance.main, options, check=True, diff=True)
    assert machine.proxy.state.availability == {}
    done = run_module(maintenance.main, options, diff=True)
    assert (predicted["changed"], predicted["diff"]) == (done["changed"], done["diff"])


@pytest.mark.parametrize("page", [None, ""])
def test_on_needs_a_page(run_module: RunModule, machine: Machine, options: dict[str, t.Any], page: str | None) -> None:
    result = run_module(maintenance.main, {**options, "page": page})
    assert result["failed"]
    assert "page is empty" in result["msg"]
    assert machine.proxy.plans == []


def test_an_unknown_stack_is_an_error(run_module: RunModule, options: dict[str, t.Any]) -> None:
    assert "Write one of: shop." in run_module(maintenance.main, {**options, "stacks": ["blog"]})["msg"]


def test_the_state_is_on_or_off(run_module: RunModule, options: dict[str, t.Any]) -> None:
    assert "on, off" in run_module(maintenance.main, {**options, "state": "closed"})["msg"]
