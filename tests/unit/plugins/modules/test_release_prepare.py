from __future__ import annotations

import threading
import typing as t
from collections.abc import Callable

import pytest
from fakes import COMPOSE, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import lock as release_lock
from ansible_collections.switchyard.stacks.plugins.modules import release_prepare

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(
    machine: Machine, on_server: dict[str, t.Any], docker: Callable[[str], Callable[[], list[str]]]
) -> dict[str, t.Any]:
    docker(COMPOSE)
    machine.engine.registry = {"reg/web:1"}
    what = given(normalised(web={"secrets": [{"source": "key"}]}), {"key": "hunter2"})
    stack = {"definition": state_file.as_json(what.stack), "sources": what.sources, "inventory_path": what.where}
    return {**on_server, "stack": stack, "secrets": what.secrets, "lock_holder": "ann@laptop"}


def test_a_release_is_brought_to_the_server(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(release_prepare.main, options, diff=True)
    assert (result["changed"], result["release"], result["color"]) == (True, 1, "blue")
    assert "po-shop-web-prod" in result["diff"]["after"]
    assert "hunter2" not in str(result)
    assert [path.read_text() for path in machine.ctx.folder.glob("secrets/*/key")] == ["hunter2"]


def test_check_mode_says_the_plan_and_takes_no_lock(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    result = run_module(release_prepare.main, options, check=True)
    assert (result["changed"], result["plan"]["action"]) == (True, "release")
    assert machine.ctx.lock.state() is None
    assert machine.ctx.records.all() == []


def test_a_second_user_is_refused_with_the_holders_name(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    machine.lock("bob@desk")
    result = run_module(release_prepare.main, options)
    assert result["failed"]
    assert "shop (prod) is being released by bob@desk" in result["msg"]
    assert result["lock"]["holder"] == "bob@desk"


def test_a_lock_whose_holder_ended_is_taken_over(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    token = machine.lock("bob@desk")
    assert run_module(release_prepare.main, {**options, "stale_token": token})["token"] == token + 1


def test_the_lock_names_the_process_of_the_release(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    process = {"user": "ann", "machine": "laptop", "id": 4711, "job": "https://git.example.org/jobs/7"}
    run_module(release_prepare.main, {**options, "lock_process": process})
    lock = machine.ctx.lock.state()
    assert lock
    assert lock.process
    assert (lock.process.user, lock.process.machine, lock.process.id) == ("ann", "laptop", 4711)
    assert (lock.process.operator, lock.process.job) == (None, "https://git.example.org/jobs/7")


def test_a_run_waits_for_the_lock_when_it_may(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_lock, "RETRY_EVERY", 0.01)
    token = machine.lock("bob@desk")
    ends = threading.Timer(0.1, lambda: machine.ctx.lock.release(token))
    ends.start()
    assert run_module(release_prepare.main, {**options, "lock_wait": 30})["token"] == token + 1
    ends.join()


def test_there_is_not_a_way_back_yet(run_module: RunModule, options: dict[str, t.Any]) -> None:
    assert "no earlier release" in run_module(release_prepare.main, {**options, "mode": "rollback"})["msg"]
