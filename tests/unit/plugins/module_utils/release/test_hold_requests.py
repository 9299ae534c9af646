from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked, worker

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import hold_requests
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import health

Docker = Callable[[str], Callable[[], list[str]]]
KEY = "po.shop.prod"


def cut(machine: Machine) -> int:
    """Leave release 1 live on blue with a worker, and a prepared release 2 on green; return the token."""
    stack = checked(strategy="recreate", workers=["celery"], drain=0)
    machine.released("blue", stack, workers=1)
    machine.engine.start(worker(1))
    machine.released("green", stack, state="prepared")
    machine.make_live("blue")
    return machine.lock()


def test_requests_wait_before_the_old_application_stops(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    token = cut(machine)
    seen = []
    stop = machine.engine.stop

    def note(containers: t.Any) -> None:
        seen.append(machine.proxy.state.availability)
        stop(containers)

    monkeypatch.setattr(machine.engine, "stop", note)
    assert hold_requests.hold_and_stop(machine.ctx, 2, token) == hold_requests.HoldResult("blue", 0)
    assert seen == [{KEY: "held"}]
    states = {name: one.state for name, one in machine.engine.by_name.items()}
    assert states == {
        "po-shop-web-prod-blue": "exited",
        "po-shop-celery-prod": "exited",
        "po-shop-web-prod-green": "running",
    }


def test_maintenance_of_an_operator_stays_with_its_page(machine: Machine) -> None:
    token = cut(machine)
    machine.proxy.state = machine.proxy.state.with_availability([KEY], "maintenance")
    assert hold_requests.hold_and_stop(machine.ctx, 2, token).stopped == "blue"
    assert machine.proxy.state.with_live(KEY, "green").availability == {KEY: "maintenance"}


def test_where_nothing_is_live_no_request_has_to_wait(machine: Machine) -> None:
    machine.released("blue", checked(strategy="recreate"), state="prepared")
    assert hold_requests.hold_and_stop(machine.ctx, 1, machine.lock()) == hold_requests.HoldResult()
    assert machine.proxy.state.availability == {}


def test_a_release_that_lost_its_lock_stops_nothing(machine: Machine) -> None:
    token = cut(machine)
    with pytest.raises(SwitchyardError, match="lost its lock"):
        hold_requests.hold_and_stop(machine.ctx, 2, token + 1)
    assert machine.proxy.state.availability == {}


def test_a_revert_starts_what_was_stopped_and_then_resumes(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, notes = cut(machine), docker("")
    held_at_the_gate = []
    monkeypatch.setattr(
        health, "wait_until_healthy", lambda *_words: held_at_the_gate.append(dict(machine.proxy.state.availability))
    )
    hold_requests.hold_and_stop(machine.ctx, 2, token)
    assert hold_requests.restart_and_resume(machine.ctx, machine.ctx.records.require(1))
    assert held_at_the_gate == [{KEY: "held"}]
    assert (machine.proxy.state.availability, machine.proxy.live()) == ({}, "blue")
    assert [line.split()[2] for line in notes()] == ["po_shop_prod_blue", "po_shop_prod_workers"]


def test_there_is_nothing_to_resume_where_nothing_was_held(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    cut(machine)
    assert not hold_requests.restart_and_resume(machine.ctx, machine.ctx.records.require(1))
    assert notes() == []


def test_requests_stay_held_when_the_old_application_does_not_come_back(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_words: t.Any) -> t.NoReturn:
        raise SwitchyardError("not healthy")

    docker("")
    token = cut(machine)
    monkeypatch.setattr(health, "wait_until_healthy", fail)
    hold_requests.hold_and_stop(machine.ctx, 2, token)
    with pytest.raises(SwitchyardError, match="not healthy"):
        hold_requests.restart_and_resume(machine.ctx, machine.ctx.records.require(1))
    assert machine.proxy.state.availability == {KEY: "held"}
