from __future__ import annotations

import typing as t

import pytest
from fakes import FakeEngine, container

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_dependencies import HealthWait
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container, HealthCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import GateFailed
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import container_health


def database(health: str | None = "starting", **changes: t.Any) -> Container:
    return container("po-db-prod", health=health, **{"check": HealthCheck(20.0, 1, "no response"), **changes})


def wait(found: Container, *waiting: str, required: bool = True) -> str | None:
    engine = FakeEngine(found)
    engine.written["po-db-prod"] = ["reading the data"]
    needed = HealthWait("db", waiting or ("web",), required)
    return container_health.wait_until_healthy(engine, "accessory", needed, engine.containers)  # type: ignore[arg-type]


def test_the_wait_ends_when_the_container_is_healthy() -> None:
    looks: list[str] = ["unhealthy", "starting", "healthy"]
    engine = FakeEngine()
    needed = HealthWait("db", ("web",))
    found = container_health.wait_until_healthy(
        engine,  # type: ignore[arg-type]
        "accessory",
        needed,
        lambda: [database(looks.pop(0))],
    )
    assert (found, looks) == (None, [])


def test_a_service_gets_the_time_of_its_own_health_check_and_never_less_than_a_minute() -> None:
    assert container_health.limit_of([database()]) == 60
    assert container_health.limit_of([database(check=HealthCheck(180.0)), database()]) == 180
    assert container_health.limit_of([]) == 60


def test_a_service_that_stays_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_health, "LEAST", 0.0)
    with pytest.raises(GateFailed) as failed:
        wait(database("unhealthy", check=HealthCheck(0.5, 2, "no\n  response")), "web", "init", "celery")
    assert str(failed.value) == (
        "The accessory db is not healthy after 0.5 s, and web, init and celery wait for it (depends_on). Its last "
        "health check ended with exit code 2: no response. Correct what its log below says; if it only needs longer, "
        "raise start_period of its healthcheck."
    )
    assert failed.value.details == {"gate": "container health", "logs": {"po-db-prod": ["reading the data"]}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": "exited", "exit_code": 1}, "The accessory db has ended with exit code 1, and web waits for it"),
        ({"check": None}, "The accessory db has no health check, and web waits for it (depends_on). Add a healthcheck"),
    ],
)
def test_what_no_wait_changes_fails_at_once(changes: dict[str, t.Any], message: str) -> None:
    with pytest.raises(GateFailed) as failed:
        wait(database(None, **changes))
    assert str(failed.value).startswith(message)


def test_a_service_that_is_not_required_is_a_warning() -> None:
    assert wait(database(None, state="exited", exit_code=1), required=False) == (
        "The accessory db has ended with exit code 1; web waits for it (depends_on), and the file does not require it."
    )
