from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine
from fakes_lock import running_process, worked_at_by

from ansible_collections.switchyard.stacks.plugins.modules import unlock

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(on_server: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in on_server.items() if key != "stack"}


def test_without_a_stack_the_locks_are_only_shown(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    token = machine.lock("ann@laptop")
    result = run_module(unlock.main, {**options, "force": True})
    assert (result["changed"], result["locks"][0]["changed"]) == (False, False)
    assert (result["locks"][0]["stack"], result["locks"][0]["lock"]["holder"]) == ("shop", "ann@laptop")
    held = machine.ctx.lock.state()
    assert held
    assert held.token == token


def test_a_lock_whose_holder_works_is_taken_away_by_force_only(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    token = machine.lock("ann@laptop")
    process = running_process().id
    worked_at_by(machine.ctx.lock, running_process())
    named = {**options, "stacks": ["shop"]}
    refused = run_module(unlock.main, named)
    assert refused["failed"]
    assert f"process {process} of this server still runs" in refused["msg"]
    assert machine.ctx.lock.state() is not None
    forced = {**named, "force": True}
    predicted = run_module(unlock.main, forced, check=True, diff=True)
    assert machine.ctx.lock.state() is not None
    done = run_module(unlock.main, forced, diff=True)
    assert machine.ctx.lock.state() is None
    assert (predicted["changed"], predicted["locks"][0]["changed"]) == (True, True)
    assert done["diff"]["before"].startswith("shop (prod) is being released by ann@laptop since ")
    again = run_module(unlock.main, forced)
    assert (again["changed"], again["locks"]) == (False, [])
    assert again["diff"] == {"before": "", "after": "", "before_header": "locks", "after_header": "locks"}
    # A later run does not get the token of the one that lost its lock.
    assert machine.lock("bob@desk") == token + 1


def test_a_lock_whose_controller_ended_needs_no_force(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    token = machine.lock("ann@laptop")
    known = {"shop": {"token": token, "state": "ended"}}
    assert run_module(unlock.main, {**options, "stacks": ["shop"], "controllers": known})["changed"]
    assert machine.ctx.lock.state() is None
