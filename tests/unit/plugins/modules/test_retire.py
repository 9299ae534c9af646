from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import HOST, Machine

from ansible_collections.switchyard.stacks.plugins.modules import retire

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(machine: Machine, on_server: dict[str, t.Any]) -> dict[str, t.Any]:
    machine.make_live("blue")
    machine.released("blue")
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    return {**on_server, "stacks": ["shop"]}


def test_a_stack_goes_once(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(retire.main, options)
    assert (result["changed"], result["stacks"], result["known"]) == (True, ["shop"], ["shop"])
    assert result["gone"][:2] == [f"routes of shop: {HOST}/", "container po-web-prod-blue"]
    assert machine.engine.standing == {}
    again = run_module(retire.main, options)
    assert (again["changed"], again["stacks"], again["known"], again["gone"]) == (False, [], [], [])


def test_check_mode_says_the_same_and_takes_nothing(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    looked = run_module(retire.main, options, check=True, diff=True)
    assert machine.proxy.plans == []
    assert machine.ctx.lock.holder() is None
    done = run_module(retire.main, options, diff=True)
    assert (looked["changed"], looked["diff"]) == (done["changed"], done["diff"])
    assert not run_module(retire.main, options, check=True)["changed"]


def test_data_is_kept_or_removed(run_module: RunModule, options: dict[str, t.Any]) -> None:
    assert "keep, remove" in run_module(retire.main, {**options, "data": "drop"})["msg"]


def test_who_holds_the_lock_is_told(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    machine.lock("ann@laptop")
    assert "is being released by ann@laptop" in run_module(retire.main, {**options, "stacks": []})["msg"]
