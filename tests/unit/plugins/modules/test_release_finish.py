from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked

from ansible_collections.switchyard.stacks.plugins.modules import release_finish

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(machine: Machine, on_server: dict[str, t.Any]) -> dict[str, t.Any]:
    """Give a server with release 1 on blue and release 2 just switched to, on green."""
    stack = checked(worker_min_ready=0, drain=0)
    machine.released("blue", stack)
    machine.released("green", stack, state="prepared", previous=1)
    machine.make_live("green")
    return {**on_server, "stack": "shop", "release": 2, "previous_release": 1, "token": machine.lock()}


def test_a_release_is_recorded(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(release_finish.main, options)
    assert (result["changed"], result["live"]) == (True, "green")
    assert machine.ctx.records.require(2).state == "live"


def test_a_release_is_taken_back(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(release_finish.main, {**options, "state": "failed", "reason": "no worker"})
    assert (result["live"], result["traffic_reverted"], result["workers_reverted"]) == ("blue", True, False)
    assert machine.ctx.records.require(2).reason == "no worker"
    assert machine.proxy.live() == "blue"


def test_a_release_that_lost_its_lock_is_refused(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    result = run_module(release_finish.main, {**options, "token": 99})
    assert result["failed"]
    assert "lost its lock (token 99)" in result["msg"]
    assert machine.ctx.records.require(2).state == "prepared"
