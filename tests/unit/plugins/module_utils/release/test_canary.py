from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import Machine, checked, colored
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.module_utils.config.canary_steps import CanaryStep
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyPlan, ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import canary, switch

KEY = "po.shop.prod"


@pytest.fixture(autouse=True)
def gated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note for which releases the gates were held."""
    noted: list[int] = []

    def gate(_place: object, record: t.Any) -> float:
        noted.append(record.number)
        return 0.5

    monkeypatch.setattr(switch, "run_gates", gate)
    return noted


def prepared(machine: Machine) -> int:
    machine.released("blue")
    machine.released("green", checked(strategy="canary"), state="prepared")
    machine.make_live("blue")
    return machine.lock()


def step(percent: int = 5, seconds: float = 0, number: int = 1) -> CanaryStep:
    return CanaryStep(number, percent, seconds)


def test_the_gates_hold_before_the_first_share_only(machine: Machine, gated: list[int]) -> None:
    token = prepared(machine)
    assert canary.run_canary_step(machine.ctx, 2, token, step()) == canary.CanaryResult(0, 5, 0.5)
    assert canary.run_canary_step(machine.ctx, 2, token, step(25, number=2)) == canary.CanaryResult(5, 25, 0.0)
    assert gated == [2]
    assert machine.proxy.state.weights == {KEY: 25}
    assert machine.proxy.live() == "blue"
    assert machine.ctx.records.require(2).canary_steps_done == 2


def test_a_container_that_ends_in_between_ends_the_canary(machine: Machine) -> None:
    token = prepared(machine)
    machine.engine.start(replace(colored("green", 2), state="exited", exit_code=1))
    with pytest.raises(SwitchyardError, match=r"po-shop-web-prod-green ended \(exit code 1"):
        canary.run_canary_step(machine.ctx, 2, token, step(seconds=60))
    assert machine.ctx.records.require(2).canary_steps_done == 0


def test_a_proxy_that_does_not_do_it_is_reported(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    token = prepared(machine)

    def refuse(change: t.Callable[[ProxyState], ProxyPlan]) -> ProxyPlan:
        return change(machine.proxy.state)

    monkeypatch.setattr(machine.proxy, "apply", refuse)
    with pytest.raises(SwitchyardError, match="sends 0 % of shop to green, not 5 %"):
        canary.run_canary_step(machine.ctx, 2, token, step())


def test_a_release_that_lost_its_lock_gets_no_share(machine: Machine) -> None:
    token = prepared(machine)
    with pytest.raises(SwitchyardError, match="lost its lock"):
        canary.run_canary_step(machine.ctx, 2, token + 1, step())
    assert machine.proxy.state.weights == {}


WATCHED = {"min_requests": 5, "interval": 0.5, "consecutive_failures": 1}


def test_a_step_with_too_few_requests_pauses_where_the_stack_says_so(machine: Machine) -> None:
    machine.released("blue")
    stack = checked(strategy="canary", watch={**WATCHED, "on_no_data": "pause"})
    record = machine.released("green", stack, state="prepared")
    machine.make_live("blue")
    token = machine.lock()
    given = canary.give_share(machine.ctx, 2, token, step(seconds=0.05))
    assert given == canary.CanaryResult(0, 5, 0.5)
    assert machine.ctx.records.require(2).canary_steps_done == 0
    found = canary.watch_share(machine.ctx, 2, token, step(seconds=0.05))
    assert found
    assert "0 requests in 0.05 s say nothing" in found.message
    assert canary.must_pause(record, found)
    assert not canary.must_pause(machine.ctx.records.require(1), found)
    record = machine.ctx.records.require(2)
    assert (record.canary_steps_done, machine.proxy.state.weights) == (1, {KEY: 5})


def test_a_step_that_waits_for_an_operator_is_not_watched(machine: Machine) -> None:
    machine.released("blue")
    machine.released("green", checked(strategy="canary", watch=WATCHED), state="prepared")
    machine.make_live("blue")
    assert canary.watch_share(machine.ctx, 2, machine.lock(), CanaryStep(1, 5, 0, pause=True)) is None


def test_a_step_that_fails_too_often_gives_its_clients_back(machine: Machine) -> None:
    machine.released("blue")
    machine.released("green", checked(strategy="canary", watch=WATCHED), state="prepared")
    machine.make_live("blue")
    machine.proxy.process.feed = lambda: [
        *(request_line(color="green", status=500) for _ in range(10)),
        *(request_line(color="blue") for _ in range(90)),
    ]
    with pytest.raises(SwitchyardError, match=r"watch gate of shop \(green\) failed: 100.0% of its requests failed"):
        canary.run_canary_step(machine.ctx, 2, machine.lock(), step(seconds=60))
    assert machine.proxy.state.weights == {}
    # The proxy asks no color of its own accord where both have clients.
    assert machine.proxy.asked == []
