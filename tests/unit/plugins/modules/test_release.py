from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

import pytest
from ansible.module_utils.basic import AnsibleModule
from fakes import COMPOSE, HOST, Machine, application, given, normalised
from fakes_compose import compose_up

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.release import segment, start
from ansible_collections.switchyard.stacks.plugins.modules import release

RunModule = Callable[..., dict[str, t.Any]]


HEALTH = {"successes": 1, "interval": 0.01, "timeout": 2}


@pytest.fixture
def options(
    machine: Machine,
    on_server: dict[str, t.Any],
    docker: Callable[[str], Callable[[], list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, t.Any]]:
    docker(COMPOSE)
    monkeypatch.setattr(compose_cli, "up", compose_up(machine, []))
    machine.engine.registry = {"reg/web:1"}
    with application(lambda path, headers: (200, {}, "ok")) as port:
        route = {"service": "web", "port": port, "hosts": [HOST], "health": HEALTH}
        content = normalised(web={"secrets": [{"source": "key"}]})
        what = given(content, {"key": "hunter2"}, routes=[route], worker_min_ready=0)
        stack = {"definition": state_file.as_json(what.stack), "sources": what.sources, "inventory_path": what.where}
        yield {**on_server, "stack": stack, "secrets": what.secrets, "lock_holder": "ann@laptop"}


def test_a_release_is_live_after_one_call(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(release.main, options, diff=True)
    assert (result["changed"], result["release"], result["live"], result["paused"]) == (True, 1, "blue", False)
    assert "po-shop-web-prod" in result["diff"]["after"]
    assert "hunter2" not in str(result)
    assert [path.read_text() for path in machine.ctx.folder.glob("secrets/*/key")] == ["hunter2"]
    record = machine.ctx.records.require(1)
    assert (record.state, [step.name for step in record.steps][-1]) == ("live", "finish")
    assert machine.ctx.lock.state() is None


def test_a_failure_has_what_was_reverted(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    machine.proxy.answer = lambda color, path: (500, "no database, hunter2")
    result = run_module(release.main, options)
    assert (result["failed"], result["gate"], result["release"], result["live"]) == (True, "health", 1, None)
    assert "hunter2" not in str(result)
    record = machine.ctx.records.require(1)
    assert (record.state, "hunter2" in str(record.reason)) == ("failed", False)
    assert machine.ctx.lock.state() is None


def test_check_mode_says_the_plan_and_takes_no_lock(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    result = run_module(release.main, options, check=True)
    assert (result["changed"], result["plan"]["action"]) == (True, "release")
    assert machine.ctx.lock.state() is None
    assert machine.ctx.records.all() == []


def test_a_second_user_is_refused_with_the_holders_name(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    machine.lock("bob@desk")
    result = run_module(release.main, options)
    assert result["failed"]
    assert "shop (prod) is being released by bob@desk" in result["msg"]
    assert result["lock"]["holder"] == "bob@desk"


def test_an_optional_part_that_fails_is_a_warning(
    run_module: RunModule, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    started = start.StartResult(failed_dependencies=["The accessory db does not keep running."])
    monkeypatch.setattr(segment, "_start", lambda *words: started)
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, text: warned.append(text))
    result = run_module(release.main, options)
    assert warned == result["warnings_found"] == ["The accessory db does not keep running."]


def test_there_is_not_a_way_back_yet(run_module: RunModule, options: dict[str, t.Any]) -> None:
    assert "no earlier release" in run_module(release.main, {**options, "mode": "rollback"})["msg"]
