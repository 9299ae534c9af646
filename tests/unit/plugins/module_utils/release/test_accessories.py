from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, container, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import paths
from ansible_collections.switchyard.stacks.plugins.module_utils.command import CommandError
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_dependencies import HealthWait
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container, HealthCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import accessories

Docker = Callable[[str], Callable[[], list[str]]]
WAIT = HealthWait("db", ("web",))


def accessory(health: str | None = "healthy", **changes: t.Any) -> Container:
    labels = {"service": "db", "role": "accessory"}
    return container("po-db-prod", labels=labels, health=health, check=HealthCheck(20.0, 1, "no response"), **changes)


def begin(machine: Machine, *waits: HealthWait, count: int = 1) -> list[str]:
    record = machine.released("green", state="prepared", accessories=count, waits=waits)
    return accessories.start(machine.ctx, record, machine.lock())


def test_a_release_without_accessories_starts_none(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    assert begin(machine, count=0) == []
    assert notes() == []


def test_the_accessories_start_and_those_that_others_need_are_healthy(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    machine.engine.start(accessory())
    assert begin(machine, WAIT) == []
    assert [line.split()[2] for line in notes()] == ["po_shop_prod_accessories"]


def test_an_accessory_that_nothing_waits_for_only_starts(machine: Machine, docker: Docker) -> None:
    docker("")
    machine.engine.start(accessory("unhealthy"))
    assert begin(machine) == []


def test_an_optional_accessory_is_a_warning(machine: Machine, docker: Docker) -> None:
    docker("")
    machine.engine.start(accessory(None, state="exited", exit_code=1))
    (warning,) = begin(machine, HealthWait("db", ("web",), required=False))
    assert warning.startswith("The accessory db has ended with exit code 1; web waits for it")


@pytest.mark.parametrize(("state", "restarts"), [("restarting", 3), ("exited", 0), ("dead", 0)])
def test_an_accessory_that_does_not_keep_running_is_named_with_its_last_words(
    machine: Machine, state: str, restarts: int
) -> None:
    record = machine.deployed("green", given(normalised(web={}, db={}), accessories=["db"]), accessories=1)
    one = accessory(None, state=state, exit_code=1, restarts=restarts)
    machine.engine.start(one)
    machine.engine.written[one.id] = ["starting", "no password"]
    assert accessories.ended(machine.ctx, record) == [
        f"The accessory db does not keep running: po-db-prod is {state}, exit code 1, {restarts} restarts. "
        "Its last log line: no password"
    ]


def test_other_accessories_are_not_named(machine: Machine) -> None:
    record = machine.deployed("green", given(normalised(web={}, db={}), accessories=["db"]), accessories=1)
    machine.engine.start(accessory("starting"))
    old = container("po-old-prod", labels={"service": "old", "role": "accessory"}, state="exited")
    machine.engine.start(old)
    assert accessories.ended(machine.ctx, record) == []


def test_one_that_others_need_healthy_is_not_named_twice(machine: Machine) -> None:
    spec = given(normalised(web={}, db={}), accessories=["db"])
    record = machine.deployed("green", spec, accessories=1, waits=(WAIT,))
    machine.engine.start(accessory(None, state="exited", exit_code=1))
    assert accessories.ended(machine.ctx, record) == []


def test_a_required_accessory_fails_the_release(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    machine.engine.start(accessory(None, state="exited", exit_code=1))
    with pytest.raises(SwitchyardError, match="The accessory db has ended with exit code 1, and web waits for it"):
        begin(machine, WAIT)
    assert len(notes()) == 1


def test_compose_that_waits_for_an_unhealthy_accessory_is_explained(machine: Machine, docker: Docker) -> None:
    docker("echo 'dependency failed to start: container po-db-prod is unhealthy' >&2; exit 1")
    machine.engine.start(accessory("unhealthy"))
    with pytest.raises(SwitchyardError, match="The accessory db is unhealthy, and another accessory waits for it"):
        begin(machine)


def test_another_error_of_compose_stays_its_own(machine: Machine, docker: Docker) -> None:
    docker("echo 'port is already allocated' >&2; exit 1")
    machine.engine.start(accessory())
    with pytest.raises(CommandError, match="port is already allocated"):
        begin(machine)


@pytest.mark.parametrize(("before", "changed"), [("{}", False), ('{"name": "old"}', True)])
def test_the_live_release_keeps_its_accessories_when_changed_ones_fail(
    machine: Machine, docker: Docker, before: str, changed: bool
) -> None:
    machine.released("blue", accessories=1)
    machine.make_live("blue")
    record = machine.released("green", state="prepared", accessories=1, waits=(WAIT,))
    for number, text in ((1, before), (2, "{}")):
        paths.compose_file(machine.ctx.records.path(number), "accessories").write_text(text)
    notes = docker("")
    machine.engine.start(accessory(None, state="exited", exit_code=1))
    with pytest.raises(SwitchyardError) as failed:
        accessories.start(machine.ctx, record, machine.lock())
    assert ("The accessories of release 1 run again." in str(failed.value)) is changed
    assert failed.value.details["logs"] == {"po-db-prod": []}
    folders = [line.split("-f ")[1].split("/")[-2] for line in notes()]
    assert folders == (["0002", "0001"] if changed else ["0002"])
