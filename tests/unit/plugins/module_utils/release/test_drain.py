from __future__ import annotations

import time

import pytest
from fakes import FakeProxy, Machine, checked

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import drain as release_drain


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long a color may take to finish its requests."""
    noted: list[float] = []

    def drain(_proxy: object, _key: str, _color: str, limit: float) -> int:
        noted.append(limit)
        return 0

    monkeypatch.setattr(release_drain, "wait_until_drained", drain)
    return noted


def idle(machine: Machine) -> int:
    """Leave an idle color on blue behind a live green one; return the token."""
    machine.released("blue")
    machine.released("green")
    machine.make_live("green")
    return machine.lock()


def test_a_live_color_is_never_emptied(machine: Machine) -> None:
    token = idle(machine)
    with pytest.raises(SwitchyardError, match="green of shop is live, so it was not removed"):
        release_drain.drain_and_remove(machine.ctx, "green", checked(), token)
    assert machine.engine.removed == []


def test_a_release_that_lost_its_lock_empties_nothing(machine: Machine) -> None:
    token = idle(machine)
    with pytest.raises(SwitchyardError, match="lost its lock"):
        release_drain.drain_and_remove(machine.ctx, "blue", checked(), token + 1)
    assert machine.engine.removed == []


def test_a_color_that_just_lost_its_users_gets_its_whole_time(machine: Machine, limits: list[float]) -> None:
    release_drain.drain_and_remove(machine.ctx, "blue", checked(drain=30), idle(machine))
    assert limits == [30]
    assert machine.engine.removed == ["po-shop-web-prod-blue"]


def test_long_connections_have_a_limit_of_their_own(machine: Machine, limits: list[float]) -> None:
    release_drain.drain_and_remove(machine.ctx, "blue", checked(drain=30, drain_long_lived=600), idle(machine))
    assert limits == [600]


def test_the_time_counts_from_the_switch(machine: Machine, limits: list[float]) -> None:
    stack, token = checked(drain=30, drain_long_lived=600), idle(machine)
    release_drain.drain_and_remove(machine.ctx, "blue", stack, token, since=time.time() - 590)
    assert limits[0] == pytest.approx(10, abs=5)
    machine.released("blue")
    release_drain.drain_and_remove(machine.ctx, "blue", stack, token, since=time.time() - 3600)
    assert limits[1] == 0


def test_a_canary_gives_its_clients_back_and_its_whole_time_begins_then(machine: Machine, limits: list[float]) -> None:
    token = idle(machine)
    machine.proxy.apply(lambda state: machine.proxy.plan_weight(state, "po.shop.prod", 25))
    release_drain.drain_and_remove(machine.ctx, "blue", checked(drain=30), token, since=time.time() - 3600)
    assert machine.proxy.state.weights == {}
    assert limits == [30]


def test_when_the_live_release_got_its_users(machine: Machine) -> None:
    assert release_drain.live_since(machine.ctx) is None
    machine.released("blue", finished=1234.5)
    machine.make_live("blue")
    assert release_drain.live_since(machine.ctx) == 1234.5


def test_draining_ends_with_the_last_request() -> None:
    proxy = FakeProxy(ProxyState({"po.shop.prod": "green"}))
    proxy.busy = {"blue": [2, 1, 0], "green": [9]}
    begun = time.monotonic()
    assert release_drain.wait_until_drained(proxy, "po.shop.prod", "blue", 120) == 0
    assert time.monotonic() - begun < 60


def test_draining_ends_at_its_limit_and_says_what_is_left() -> None:
    proxy = FakeProxy(ProxyState({"po.shop.prod": "green"}))
    proxy.busy = {"blue": [4]}
    assert release_drain.wait_until_drained(proxy, "po.shop.prod", "blue", 0.1) == 4
    assert release_drain.wait_until_drained(proxy, "po.shop.prod", "blue", 0) == 4
