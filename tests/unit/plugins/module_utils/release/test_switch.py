from __future__ import annotations

import functools
import typing as t
from collections.abc import Iterator

import pytest
from fakes import HOST, Machine, application, checked

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import switch
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import confirm

HEALTH = {"successes": 2, "interval": 0.01, "timeout": 1}


@pytest.fixture
def stack() -> Iterator[dict[str, t.Any]]:
    """Give a stack whose service answers, on a port of this machine."""
    with application(lambda path, headers: (200, {}, "ok")) as port:
        route = {"service": "web", "port": port, "hosts": [HOST], "health": HEALTH}
        yield checked(routes=[route], smoke=[{"contains": "hello"}])


@pytest.fixture
def two(machine: Machine, stack: dict[str, t.Any]) -> Machine:
    """Give a server with release 1 live on blue and release 2 idle on green."""
    machine.released("blue", stack)
    machine.released("green", stack, previous=1)
    machine.make_live("blue")
    return machine


def test_a_switch_holds_the_gates_moves_and_proves_it(two: Machine) -> None:
    done = switch.switch(two.ctx, "green", number=2, token=two.lock())
    assert two.proxy.live() == "green"
    assert (done.changed, done.color_before, done.color_after, done.requests) == (True, "blue", "green", 1)
    # Two for health and one for smoke of this color only; the last is the public's own way in.
    assert [color for _host, _path, color in two.proxy.asked] == ["green", "green", "green", None]
    assert (done.diff["before"], done.diff["after"]) == ("po.shop.prod blue\n", "po.shop.prod green\n")


def test_the_release_is_the_one_on_the_colors_containers(two: Machine) -> None:
    switch.switch(two.ctx, "green")
    assert two.proxy.live() == "green"


def test_a_color_that_is_live_is_left_as_it_is(two: Machine) -> None:
    done = switch.switch(two.ctx, "blue")
    assert not done.changed
    assert two.proxy.asked == []
    assert two.proxy.plans == []


@pytest.mark.parametrize("answer", [(500, "hello"), (200, "a login page")])
def test_a_gate_that_does_not_hold_leaves_everything(two: Machine, answer: tuple[int, str]) -> None:
    two.proxy.answer = lambda color, path: answer
    with pytest.raises(SwitchyardError, match=r"gate of shop .green. failed"):
        switch.switch(two.ctx, "green")
    assert two.proxy.live() == "blue"
    assert two.proxy.plans == []


def test_a_proof_that_fails_brings_traffic_back(two: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "confirm_switch", functools.partial(confirm.confirm_switch, limit=0.1))
    two.proxy.stuck_on = "blue"
    with pytest.raises(SwitchyardError, match="told to send shop to green, but"):
        switch.switch(two.ctx, "green")
    assert two.proxy.live() == "blue"


def test_the_proof_of_a_first_release_that_fails_takes_it_off_the_public(
    two: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "confirm_switch", functools.partial(confirm.confirm_switch, limit=0.1))
    two.proxy.state = ProxyState()
    two.proxy.stuck_on = "blue"
    with pytest.raises(SwitchyardError):
        switch.switch(two.ctx, "green")
    assert two.proxy.live() is None


def test_nobody_switches_while_somebody_releases(two: Machine) -> None:
    two.lock("bob@desk")
    with pytest.raises(SwitchyardError, match="being released by bob@desk"):
        switch.switch(two.ctx, "green")
    with pytest.raises(SwitchyardError, match="lost its lock"):
        switch.switch(two.ctx, "green", token=99)
    assert two.proxy.live() == "blue"


def test_the_old_color_may_finish_its_requests(two: Machine) -> None:
    two.proxy.busy = {"blue": [3, 2, 0]}
    assert switch.switch(two.ctx, "green", drain=5).old_in_flight == 0


def test_requests_that_are_left_are_counted(two: Machine) -> None:
    two.proxy.busy = {"blue": [7]}
    assert switch.switch(two.ctx, "green").old_in_flight == 7


def test_there_is_nothing_to_switch_to(machine: Machine) -> None:
    with pytest.raises(SwitchyardError, match="no record of release 0"):
        switch.switch(machine.ctx, "green")
