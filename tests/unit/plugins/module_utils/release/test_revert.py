from __future__ import annotations

import json
import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked, worker

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import hold_requests, revert
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import health
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import state as migration_state
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import undo

Docker = Callable[[str], Callable[[], list[str]]]


def switched(machine: Machine, live: str = "green", **changes: t.Any) -> int:
    """Leave release 1 on blue and a prepared release 2 on green; return the token."""
    stack = checked(worker_min_ready=0, drain=0, **changes)
    machine.released("blue", stack)
    machine.released("green", stack, state="prepared", previous=1)
    machine.make_live(live)
    return machine.lock()


def fail(machine: Machine, token: int, number: int = 2, before: int | None = 1) -> revert.RevertResult:
    return revert.revert(machine.ctx, number, before, token, "the smoke gate failed")


def test_a_release_that_never_went_live_leaves_nothing_behind(machine: Machine) -> None:
    token = switched(machine, live="blue")
    secrets = machine.ctx.folder / "secrets" / "0123456789abcdef"
    secrets.mkdir(parents=True)
    (machine.ctx.records.path(2) / "green.yml").write_text(json.dumps(f"{secrets}/key"))
    reported = fail(machine, token)
    assert reported == revert.RevertResult("blue")
    assert list(machine.engine.by_name) == ["po-shop-web-prod-blue"]
    record = machine.ctx.records.require(2)
    assert (record.state, record.reason) == ("failed", "the smoke gate failed")
    assert not secrets.exists()
    assert machine.ctx.lock.state() is None


def test_the_routes_of_a_release_that_failed_go_and_those_of_the_live_one_stay(machine: Machine) -> None:
    token = switched(machine, live="blue")
    way = ("po.shop.prod", "green", "new.example.org/")
    machine.proxy.state = ProxyState(machine.proxy.state.live, {**machine.proxy.state.routes, way: "web"})
    before = machine.proxy.state.routes_of("po.shop.prod", "blue")
    fail(machine, token)
    assert machine.proxy.state.routes_of("po.shop.prod", "blue") == before
    assert before
    assert machine.proxy.state.routes_of("po.shop.prod", "green") == {}


def test_traffic_is_reverted_before_anything_is_removed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    token = switched(machine)
    live_at_removal = []
    remove = machine.engine.remove

    def note(containers: t.Any, timeout: int | None = None) -> list[str]:
        live_at_removal.append(machine.proxy.live())
        return remove(containers, timeout)

    monkeypatch.setattr(machine.engine, "remove", note)
    reported = fail(machine, token)
    assert (reported.traffic_reverted, reported.live) == (True, "blue")
    assert live_at_removal == ["blue"]
    # Confirmed from outside, through the route of users.
    assert machine.proxy.asked[-1][2] is None


def test_a_canary_loses_its_share_before_its_containers_go(machine: Machine) -> None:
    token = switched(machine, live="blue")
    machine.proxy.apply(lambda state: machine.proxy.plan_weight(state, "po.shop.prod", 25))
    assert fail(machine, token).traffic_reverted
    assert machine.proxy.state.weights == {}


def test_an_application_that_was_stopped_runs_again(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = docker("")
    monkeypatch.setattr(health, "wait_until_healthy", lambda *_words: 0.0)
    token = switched(machine, live="blue", strategy="recreate")
    hold_requests.hold_and_stop(machine.ctx, 2, token)
    reported = fail(machine, token)
    assert (reported.traffic_reverted, reported.live, machine.proxy.state.availability) == (True, "blue", {})
    assert [line.split()[2] for line in notes()] == ["po_shop_prod_blue"]


def test_workers_of_the_release_before_come_back(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    token = switched(machine, live="blue")
    machine.engine.start(worker(2))
    assert fail(machine, token).workers_reverted
    folder = machine.ctx.records.path(1)
    assert notes() == [
        f"compose -p po_shop_prod_workers -f {folder}/workers.yml up --detach --remove-orphans --pull never --no-build"
    ]


def test_workers_that_were_not_replaced_yet_are_left_alone(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    token = switched(machine, live="blue")
    machine.engine.start(worker(1))
    assert not fail(machine, token).workers_reverted
    assert notes() == []
    assert "po-shop-celery-prod" in machine.engine.by_name


def test_a_first_release_that_fails_serves_no_users(machine: Machine) -> None:
    machine.released("blue", checked(drain=0), state="prepared")
    machine.make_live("blue")
    machine.engine.start(worker(1))
    reported = fail(machine, machine.lock(), number=1, before=None)
    assert reported.live is None
    assert machine.engine.by_name == {}


def test_a_way_back_that_fails_keeps_the_release_it_led_to(machine: Machine) -> None:
    machine.released("blue", checked(drain=0), state="superseded")
    machine.released("green", checked(drain=0), previous=1)
    machine.make_live("blue")
    reported = fail(machine, machine.lock(), number=1, before=2)
    assert reported.live == "green"
    assert machine.ctx.records.require(1).state == "superseded"
    assert "po-shop-web-prod-blue" in machine.engine.by_name


def test_a_release_that_lost_its_lock_takes_nothing_back(machine: Machine) -> None:
    token = switched(machine)
    with pytest.raises(SwitchyardError, match="lost its lock"):
        fail(machine, token + 1)
    assert machine.proxy.live() == "green"
    assert "po-shop-web-prod-green" in machine.engine.by_name


def test_the_database_is_restored_before_the_old_application_starts(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = switched(machine, live="blue")
    order: list[str] = []
    monkeypatch.setattr(undo, "undo", lambda ctx, token: order.append("database") or "it is as before")
    monkeypatch.setattr(revert, "restart_and_resume", lambda ctx, old: bool(order.append("old")))
    assert fail(machine, token).database == "it is as before"
    assert order == ["database", "old"]


def test_a_database_that_does_not_go_back_keeps_requests_waiting_and_frees_the_lock(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = switched(machine, live="blue")

    def take_back(ctx: t.Any, token: int) -> str:
        raise SwitchyardError("no room")

    monkeypatch.setattr(undo, "undo", take_back)
    monkeypatch.setattr(
        revert, "restart_and_resume", lambda ctx, old: pytest.fail("the old application must not start")
    )
    with pytest.raises(SwitchyardError, match="no room"):
        fail(machine, token)
    assert machine.ctx.records.require(2).state == "failed"
    assert machine.ctx.lock.state() is None


def test_a_release_that_the_one_before_cannot_replace_any_more_stays(machine: Machine) -> None:
    token = switched(machine)
    migration_state.save_state(
        machine.ctx, migration_state.MigrationState(2, "breaking", "shop_prod", "begun", "m", "b")
    )
    reported = fail(machine, token)
    assert (reported.live, reported.traffic_reverted) == ("green", False)
    assert "release 2 stays" in reported.database
    first, second = machine.ctx.records.require(1), machine.ctx.records.require(2)
    assert (first.state, second.state, second.previous, second.reason) == (
        "superseded",
        "live",
        1,
        "the smoke gate failed",
    )
    assert migration_state.load_state(machine.ctx) is None
    assert machine.ctx.lock.state() is None
