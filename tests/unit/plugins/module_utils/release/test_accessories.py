from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, container

from ansible_collections.switchyard.stacks.plugins.module_utils.command import CommandError
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_dependencies import AccessoryWait
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container, HealthCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import GateFailed
from ansible_collections.switchyard.stacks.plugins.module_utils.release import accessories

Docker = Callable[[str], Callable[[], list[str]]]


def accessory(health: str | None = "starting", **changes: t.Any) -> Container:
    changes.setdefault("check", HealthCheck(20.0, 1, "no response"))
    return container("po-db-prod", labels={"service": "db", "role": "accessory"}, health=health, **changes)


def begin(machine: Machine, *waits: AccessoryWait, count: int = 1) -> list[str]:
    record = machine.released("green", state="prepared", accessories=count, waits=waits)
    return accessories.start(machine.ctx, record, machine.lock())


def test_a_release_without_accessories_starts_none(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    assert begin(machine, count=0) == []
    assert notes() == []


def test_an_accessory_that_nothing_waits_for_only_starts(machine: Machine, docker: Docker) -> None:
    notes = docker("")
    machine.engine.start(accessory())
    assert begin(machine) == []
    assert [line.split()[2] for line in notes()] == ["po_shop_prod_accessories"]


def test_the_wait_ends_when_the_accessory_is_healthy(
    machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker("")
    looks: list[dict[str, str]] = []

    def containers(**labels: str) -> list[Container]:
        looks.append(labels)
        return [accessory("healthy" if len(looks) >= 3 else "unhealthy")]

    monkeypatch.setattr(machine.engine, "containers", containers)
    assert begin(machine, AccessoryWait("db", ("web",))) == []
    assert len(looks) == 3
    assert (looks[-1]["role"], looks[-1]["service"]) == ("accessory", "db")


def test_an_accessory_gets_the_time_of_its_own_health_check_and_never_less_than_a_minute() -> None:
    assert accessories.limit_of([accessory()]) == 60
    assert accessories.limit_of([accessory(check=HealthCheck(180.0)), accessory()]) == 180
    assert accessories.limit_of([]) == 60


def failure(machine: Machine, *services: str) -> GateFailed:
    with pytest.raises(GateFailed) as failed:
        begin(machine, AccessoryWait("db", services))
    return failed.value


def test_an_accessory_that_stays_unhealthy(machine: Machine, docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    docker("")
    monkeypatch.setattr(accessories, "LEAST", 0.0)
    machine.engine.start(accessory("unhealthy", check=HealthCheck(0.5, 2, "no response")))
    machine.engine.written["po-db-prod"] = ["reading the data"]
    error = failure(machine, "web", "init", "celery")
    assert str(error) == (
        "The accessory db is not healthy after 0.5 s, and web, init and celery wait for it (depends_on). Its last "
        "health check ended with exit code 2: no response. Correct what its log below says; if it only needs longer, "
        "raise start_period of its healthcheck."
    )
    assert error.details == {"gate": "accessories", "logs": {"po-db-prod": ["reading the data"]}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": "exited", "exit_code": 1}, "The accessory db has ended with exit code 1, and web waits for it"),
        ({"check": None}, "The accessory db has no health check, and web waits for it (depends_on). Add a healthcheck"),
    ],
)
def test_what_no_wait_changes_fails_at_once(
    machine: Machine, docker: Docker, changes: dict[str, t.Any], message: str
) -> None:
    docker("")
    machine.engine.start(accessory(None, **changes))
    assert str(failure(machine, "web")).startswith(message)


def test_an_accessory_that_no_service_requires_is_a_warning(machine: Machine, docker: Docker) -> None:
    docker("")
    machine.engine.start(accessory(None, state="exited", exit_code=1))
    assert begin(machine, AccessoryWait("db", ("web",), required=False)) == [
        "The accessory db has ended with exit code 1; web waits for it (depends_on), and the file does not require it."
    ]


def test_compose_that_waits_for_an_unhealthy_accessory_is_explained(machine: Machine, docker: Docker) -> None:
    docker("echo 'dependency failed to start: container po-db-prod is unhealthy' >&2; exit 1")
    machine.engine.start(accessory("unhealthy"))
    error = failure(machine, "web")
    assert str(error).startswith("The accessory db is unhealthy, and another accessory waits for it")


def test_another_error_of_compose_stays_its_own(machine: Machine, docker: Docker) -> None:
    docker("echo 'port is already allocated' >&2; exit 1")
    machine.engine.start(accessory("healthy"))
    with pytest.raises(CommandError, match="port is already allocated"):
        begin(machine)
