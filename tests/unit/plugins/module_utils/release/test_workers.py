from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from fakes import Machine, checked, worker

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import GateFailed, LockLost
from ansible_collections.switchyard.stacks.plugins.module_utils.release import workers
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note the time limit of each call of Compose."""
    noted: list[float] = []

    def up(project: str, file: Path, timeout: float = 0) -> None:
        assert project == "po_shop_prod_workers"
        noted.append(timeout)

    monkeypatch.setattr(compose_cli, "up", up)
    return noted


def with_workers(machine: Machine, color: str, grace: str | None, count: int = 1) -> Record:
    """Leave a release with workers; ``grace`` is their stop_grace_period."""
    record = machine.released(color, checked(worker_min_ready=0), workers=count)
    service = {"stop_grace_period": grace} if grace else {}
    project = {"services": {"po-shop-celery-prod": service}}
    (machine.ctx.records.path(record.number) / "workers.yml").write_text(json.dumps(project))
    return record


@pytest.mark.parametrize(
    ("old", "new", "seconds"), [("1h0m10s", "500ms", 3610), (None, "1m30s", 90), ("10s", None, 10), (None, None, 0)]
)
def test_compose_gets_the_time_that_old_workers_need_to_end(
    machine: Machine, limits: list[float], old: str | None, new: str | None, seconds: float
) -> None:
    before, record = with_workers(machine, "blue", old), with_workers(machine, "green", new)
    machine.engine.start(worker(2))
    workers.replace(machine.ctx, record, before, machine.lock())
    assert limits == [compose_cli.UP_TIMEOUT + seconds]


def test_a_release_without_workers_starts_none(machine: Machine, limits: list[float]) -> None:
    workers.replace(machine.ctx, machine.released("blue"), None, machine.lock())
    assert limits == []


@pytest.mark.parametrize("changes", [{"state": "exited", "exit_code": 1}, {"state": "restarting"}, {"restarts": 1}])
def test_a_worker_that_does_not_keep_running_is_found(
    machine: Machine, limits: list[float], changes: dict[str, t.Any]
) -> None:
    record = with_workers(machine, "blue", None)
    machine.engine.start(worker(1, **changes))
    machine.engine.written = {"po-shop-celery-prod": ["no broker"]}
    with pytest.raises(GateFailed, match="A worker of shop does not keep running: po-shop-celery-prod") as failed:
        workers.replace(machine.ctx, record, None, machine.lock())
    assert failed.value.details["logs"] == {"po-shop-celery-prod": ["no broker"]}


def test_a_worker_that_is_missing_is_found(machine: Machine, limits: list[float]) -> None:
    with pytest.raises(GateFailed, match="one is missing"):
        workers.replace(machine.ctx, with_workers(machine, "blue", None, 2), None, machine.lock())


def test_a_release_that_lost_its_lock_replaces_none(machine: Machine, limits: list[float]) -> None:
    token = machine.lock()
    with pytest.raises(LockLost):
        workers.replace(machine.ctx, with_workers(machine, "blue", None), None, token + 1)
    assert limits == []
