from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import switch
from ansible_collections.switchyard.stacks.plugins.modules import canary

RunModule = Callable[..., dict[str, t.Any]]


def options(machine: Machine, on_server: dict[str, t.Any], percent: int) -> dict[str, t.Any]:
    machine.released("blue")
    machine.released("green", checked(strategy="canary"), state="prepared")
    machine.make_live("blue")
    return {**on_server, "stack": "shop", "percent": percent}


def test_a_share_is_returned(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switch, "run_gates", lambda _place, _record: 0.25)
    result = run_module(canary.main, options(machine, on_server, 5))
    assert (result["changed"], result["percent_before"], result["percent_after"], result["gate_seconds"]) == (
        True,
        0,
        5,
        0.25,
    )


@pytest.mark.parametrize("percent", [0, 100, -5])
def test_what_is_not_a_share_is_refused(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any], percent: int
) -> None:
    result = run_module(canary.main, options(machine, on_server, percent))
    assert result["failed"]
    assert "write a number from 1 to 99" in result["msg"]


def test_no_clients_are_shared_while_a_release_runs_or_nothing_is_live(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    given = options(machine, on_server, 5)
    token = machine.lock("bob@desk")
    assert "being released by bob@desk" in run_module(canary.main, given)["msg"]
    machine.ctx.lock.release(token)
    machine.proxy.state = ProxyState()
    assert "No color is live" in run_module(canary.main, given)["msg"]
    assert machine.proxy.state.weights == {}


def test_there_is_not_a_check_mode(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    assert run_module(canary.main, options(machine, on_server, 5), check=True)["skipped"]
