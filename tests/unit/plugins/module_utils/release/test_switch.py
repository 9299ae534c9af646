from __future__ import annotations

import functools

import pytest
from fakes import Machine, colored

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_dependencies import HealthWait
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import HealthCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import switch
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import confirm


def test_a_switch_runs_the_gates_moves_and_is_confirmed(two_releases: Machine) -> None:
    done = switch.switch(two_releases.ctx, "green", number=2)
    assert two_releases.proxy.live() == "green"
    assert (done.changed, done.color_before, done.color_after, done.requests) == (True, "blue", "green", 1)
    # Two for health and one for smoke of this color only; the last is the route of users.
    assert [color for _host, _path, color in two_releases.proxy.asked] == ["green", "green", "green", None]
    assert (done.diff["before"], done.diff["after"]) == ("po.shop.prod blue\n", "po.shop.prod green\n")


def test_what_the_workers_need_healthy_is_healthy_before_the_switch(two_releases: Machine) -> None:
    record = two_releases.ctx.records.require(2)
    two_releases.ctx.records.save(record.updated(color_waits=(HealthWait("web", ("celery",)),)))
    record, token = two_releases.ctx.records.require(2), two_releases.lock()
    with pytest.raises(SwitchyardError, match="The service web has no health check, and celery waits for it"):
        switch.pass_gates(two_releases.ctx, record, token)
    two_releases.ctx.lock.release(token)
    with pytest.raises(SwitchyardError, match="The service web has no health check"):
        switch.switch(two_releases.ctx, "green", number=2)
    assert two_releases.proxy.live() == "blue"
    two_releases.engine.start(colored("green", 2, health="healthy", check=HealthCheck(1.0)))
    assert switch.switch(two_releases.ctx, "green", number=2).changed


def test_the_release_is_the_one_on_the_colors_containers(two_releases: Machine) -> None:
    switch.switch(two_releases.ctx, "green")
    assert two_releases.proxy.live() == "green"


def test_a_color_that_is_live_is_left_as_it_is(two_releases: Machine) -> None:
    done = switch.switch(two_releases.ctx, "blue")
    assert not done.changed
    assert two_releases.proxy.asked == []
    assert two_releases.proxy.plans == []


@pytest.mark.parametrize("answer", [(500, "hello"), (200, "a login page")])
def test_a_gate_that_does_not_hold_leaves_everything(two_releases: Machine, answer: tuple[int, str]) -> None:
    two_releases.proxy.answer = lambda color, path: answer
    with pytest.raises(SwitchyardError, match=r"gate of shop .green. failed"):
        switch.switch(two_releases.ctx, "green")
    assert two_releases.proxy.live() == "blue"
    assert two_releases.proxy.plans == []


def test_a_confirmation_that_fails_reverts_the_traffic(two_releases: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "confirm_switch", functools.partial(confirm.confirm_switch, limit=0.1))
    two_releases.proxy.stuck_on = "blue"
    with pytest.raises(SwitchyardError, match="set to send shop to green, but"):
        switch.switch(two_releases.ctx, "green")
    assert two_releases.proxy.live() == "blue"


def test_a_first_release_that_is_not_confirmed_serves_no_users(
    two_releases: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "confirm_switch", functools.partial(confirm.confirm_switch, limit=0.1))
    two_releases.proxy.state = ProxyState()
    two_releases.proxy.stuck_on = "blue"
    with pytest.raises(SwitchyardError):
        switch.switch(two_releases.ctx, "green")
    assert two_releases.proxy.live() is None


def test_no_switch_while_a_release_runs(two_releases: Machine) -> None:
    two_releases.lock("bob@desk")
    with pytest.raises(SwitchyardError, match="being released by bob@desk"):
        switch.switch(two_releases.ctx, "green")
    with pytest.raises(SwitchyardError, match="lost its lock"):
        switch.pass_gates(two_releases.ctx, two_releases.ctx.records.require(2), 99)
    assert two_releases.proxy.live() == "blue"


def test_the_old_color_may_finish_its_requests(two_releases: Machine) -> None:
    two_releases.proxy.busy = {"blue": [3, 2, 0]}
    assert switch.switch(two_releases.ctx, "green", drain=5).old_in_flight == 0


def test_requests_that_are_left_are_counted(two_releases: Machine) -> None:
    two_releases.proxy.busy = {"blue": [7]}
    assert switch.switch(two_releases.ctx, "green").old_in_flight == 7


def test_there_is_nothing_to_switch_to(machine: Machine) -> None:
    with pytest.raises(SwitchyardError, match="no record of release 0"):
        switch.switch(machine.ctx, "green")
