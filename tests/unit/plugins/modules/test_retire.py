from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import HOST, Machine

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.modules import retire

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(machine: Machine, on_server: dict[str, t.Any]) -> dict[str, t.Any]:
    machine.make_live("blue")
    machine.released("blue")
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    return {**on_server, "stacks": ["shop"]}


def test_a_stack_is_removed_once(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(retire.main, options)
    assert (result["changed"], result["stacks"], result["known_stacks"]) == (True, ["shop"], ["shop"])
    assert result["removed"][:2] == [f"routes of shop: {HOST}/", "container po-shop-web-prod-blue"]
    assert machine.engine.by_name == {}
    again = run_module(retire.main, options)
    assert (again["changed"], again["stacks"], again["known_stacks"], again["removed"]) == (False, [], [], [])


def test_check_mode_returns_the_same_and_removes_nothing(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    predicted = run_module(retire.main, options, check=True, diff=True)
    assert machine.proxy.plans == []
    assert machine.ctx.lock.state() is None
    done = run_module(retire.main, options, diff=True)
    assert (predicted["changed"], predicted["diff"]) == (done["changed"], done["diff"])
    assert not run_module(retire.main, options, check=True)["changed"]


def test_data_is_retained_unless_requested(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    labels = names.labels(project="po", environment="prod", stack="shop")
    machine.engine.ensure_volume("po-shop-media-prod", "local", {}, labels)
    assert run_module(retire.main, options)["retained"] == [
        "the volume po-shop-media-prod (-e remove_data=true removes it)"
    ]
    result = run_module(retire.main, {**options, "remove_data": True})
    assert (result["removed"], result["retained"]) == (["volume po-shop-media-prod with its data"], [])


def test_the_lock_holder_is_named(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    machine.lock("ann@laptop")
    assert "is being released by ann@laptop" in run_module(retire.main, {**options, "stacks": []})["msg"]
