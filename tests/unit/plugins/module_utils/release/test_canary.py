from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import Machine, checked, colored

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
