from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, checked, container

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_one_shots import OneShot
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import start
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import pending, run, state

Docker = Callable[[str], Callable[[], list[str]]]
MIGRATE = {"service": "web", "command": ["migrate"]}


def prepared(machine: Machine, strategy: str = "blue_green") -> int:
    stack = checked(strategy=strategy, migrate=MIGRATE, drain=0)
    machine.released("blue", stack)
    machine.released("green", stack, state="prepared")
    machine.make_live("blue")
    return machine.lock()


def test_the_color_starts_after_the_jobs(machine: Machine, docker: Docker) -> None:
    token, notes = prepared(machine), docker("")
    reported = start.start(machine.ctx, 2, token, True)
    assert [line.split()[2] for line in notes()] == ["po_shop_prod_jobs", "po_shop_prod_green"]
    assert ([job.command for job in reported.jobs], reported.stopped) == (["migrate"], None)
    assert machine.proxy.state.availability == {}


def test_an_accessory_that_does_not_keep_running_is_a_warning(machine: Machine, docker: Docker) -> None:
    labels = {"service": "db", "role": "accessory"}
    machine.engine.start(container("po-shop-db-prod", labels=labels, state="restarting", restarts=2, exit_code=1))
    stack = checked(accessories=["db"])
    machine.released("green", stack, state="prepared", accessories=1)
    docker("")
    (warning,) = start.start(machine.ctx, 1, machine.lock(), True).failed_dependencies
    assert warning.startswith("The accessory db does not keep running: po-shop-db-prod is restarting, exit code 1, 2 ")


def test_on_the_way_back_the_jobs_are_left_out(machine: Machine, docker: Docker) -> None:
    token, notes = prepared(machine), docker("")
    assert start.start(machine.ctx, 2, token, False).jobs == []
    assert [line.split()[2] for line in notes()] == ["po_shop_prod_green"]


def test_the_strategy_recreate_stops_the_old_application_first(machine: Machine, docker: Docker) -> None:
    token, notes = prepared(machine, "recreate"), docker("")
    assert start.start(machine.ctx, 2, token, True).stopped == "blue"
    assert machine.engine.by_name["po-shop-web-prod-blue"].state == "exited"
    assert machine.proxy.state.availability == {"po.shop.prod": "held"}
    assert len(notes()) == 2


def test_nothing_starts_when_a_job_fails(machine: Machine, docker: Docker) -> None:
    token, notes = prepared(machine), docker("exit 1")
    with pytest.raises(SwitchyardError, match="'migrate' in the new image ended with exit code 1"):
        start.start(machine.ctx, 2, token, True)
    assert len(notes()) == 1


@pytest.mark.parametrize(
    ("strategy", "stops", "expected"),
    [("blue_green", False, None), ("blue_green", True, "blue"), ("recreate", False, "blue")],
)
def test_a_guarded_migration_stops_the_old_application_where_that_has_to_be(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch, strategy: str, stops: bool, expected: str | None
) -> None:
    migrate = {**MIGRATE, "kind": "breaking" if stops else "expand"}
    stack = checked(strategy=strategy, migrate=migrate, postgres={"password": "p"}, drain=0)
    assert stack.migrate
    machine.released("blue", stack)
    record = machine.released("green", stack, state="prepared")
    machine.make_live("blue")
    token, notes = machine.lock(), docker("")
    guarded = state.MigrationRun(machine.ctx, record, token, state.MigrationState(2, "x", "shop_prod"), stack.migrate)
    monkeypatch.setattr(pending, "pending_migration", lambda *dummy: guarded)
    monkeypatch.setattr(run, "run_guarded", lambda guarded, done, hold: hold())
    assert start.start(machine.ctx, 2, token, True).stopped == expected
    assert len(notes()) == 1


def test_nothing_pending_still_stops_an_application_that_cannot_run_twice(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = prepared(machine, "recreate")
    docker("")
    monkeypatch.setattr(pending, "pending_migration", lambda *dummy: None)
    reported = start.start(machine.ctx, 2, token, True)
    assert (reported.stopped, reported.migration.pending) == ("blue", False)


def planned(machine: Machine, strategy: str = "blue_green", **changes: t.Any) -> int:
    """Leave a live release, and a prepared one with accessories and one-shots; return the token."""
    plan = (OneShot("keys", "migrate"), OneShot("seed", required=False))
    machine.released("blue", checked(drain=0))
    stack = checked(strategy=strategy, migrate=MIGRATE, drain=0)
    machine.released("green", stack, state="prepared", one_shots=plan, accessories=1, **changes)
    machine.make_live("blue")
    return machine.lock()


def words(notes: list[str]) -> list[str]:
    """Return the part and the last word of each call of Compose."""
    return [f"{line.split()[2].rpartition('_')[2]} {line.split()[-1]}" for line in notes]


def test_accessories_come_first_then_one_shots_around_the_migration_then_the_color(
    machine: Machine, docker: Docker
) -> None:
    token, notes = planned(machine), docker("")
    result = start.start(machine.ctx, 2, token, True)
    order = ["accessories --no-build", "jobs keys", "jobs migrate", "jobs seed", "green --no-build"]
    assert words(notes()) == order
    assert [job.command for job in result.jobs] == ["one-shot keys", "migrate", "one-shot seed"]
    assert result.failed_dependencies == []


def test_an_optional_one_shot_that_fails_is_a_warning(machine: Machine, docker: Docker) -> None:
    token, notes = planned(machine), docker('case "$*" in *" seed") exit 4;; esac')
    result = start.start(machine.ctx, 2, token, True)
    assert result.failed_dependencies == ["The one-shot seed failed, and the file does not require it."]
    assert words(notes())[-1] == "green --no-build"


def test_a_required_one_shot_that_fails_leaves_the_live_color_alone(machine: Machine, docker: Docker) -> None:
    token, notes = planned(machine), docker('case "$*" in *" keys") echo broken; exit 4;; esac')
    with pytest.raises(SwitchyardError, match="The one-shot keys ended with exit code 4"):
        start.start(machine.ctx, 2, token, True)
    assert words(notes()) == ["accessories --no-build", "jobs keys"]
    assert machine.ctx.containers(color="blue")[0].running


def test_one_shots_of_an_application_that_cannot_run_twice_run_without_the_old_one(
    machine: Machine, docker: Docker
) -> None:
    token = planned(machine, "recreate")
    docker("")
    assert start.start(machine.ctx, 2, token, True).stopped == "blue"


def test_nothing_but_the_accessories_start_where_the_color_runs(machine: Machine, docker: Docker) -> None:
    token, notes = planned(machine), docker("")
    assert start.start(machine.ctx, 2, token, False, start_color=False).jobs == ()
    assert words(notes()) == ["accessories --no-build"]
