from __future__ import annotations

import json
import threading
import typing as t
from collections.abc import Callable, Iterator

import pytest
from fakes import COMPOSE, HOST, Machine, application, checked, container, given, normalised
from fakes_compose import compose_up
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args, paths
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import LockHeld, SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import hold_requests, segment, workers
from ansible_collections.switchyard.stacks.plugins.module_utils.release import lock as release_lock
from ansible_collections.switchyard.stacks.plugins.module_utils.release import revert as release_revert
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import undo
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput
from ansible_collections.switchyard.stacks.plugins.module_utils.release.step_log import FAILPOINTS

Notes = Callable[[], list[str]]
HEALTH = {"successes": 1, "interval": 0.01, "timeout": 2}


@pytest.fixture
def started(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let Compose start containers, and return its projects in their order."""
    projects: list[str] = []
    monkeypatch.setattr(compose_cli, "up", compose_up(machine, projects))
    return projects


@pytest.fixture(autouse=True)
def commands(docker: Callable[[str], Notes], machine: Machine) -> Notes:
    machine.engine.registry = {"reg/web:1", "reg/web:2", "reg/celery:1"}
    return docker(COMPOSE)


@pytest.fixture(autouse=True)
def routes() -> Iterator[dict[str, t.Any]]:
    """Give the route of an application that answers."""
    with application(lambda path, headers: (200, {}, "ok")) as port:
        yield {"service": "web", "port": port, "hosts": [HOST], "health": HEALTH}


def spec(routes: dict[str, t.Any], content: t.Any = None, secrets: t.Any = None, **stack: t.Any) -> StackInput:
    return given(content, secrets, **{"routes": [routes], "drain": 0, "worker_min_ready": 0, **stack})


def version(number: int, **services: t.Any) -> dict[str, t.Any]:
    return normalised(web={"image": f"reg/web:{number}"}, **services)


def release(machine: Machine, what: StackInput, mode: str = "deploy", **more: t.Any) -> dict[str, t.Any]:
    """Return what the module returns."""
    return module_args.to_result(
        segment.run_segment(machine.ctx, segment.ReleaseRequest(what, mode, "ann@laptop", **more))
    )


def failure(machine: Machine, what: StackInput, mode: str = "deploy", **more: t.Any) -> dict[str, t.Any]:
    """Return what the module returns of a release that fails."""
    return module_args.outcome_of(lambda: release(machine, what, mode, **more))


def is_free(machine: Machine) -> bool:
    return machine.ctx.lock.state() is None


def test_a_release_is_live_after_one_visit(machine: Machine, routes: dict[str, t.Any], started: list[str]) -> None:
    result = release(machine, spec(routes, version(1)))
    assert (result["changed"], result["release"], result["previous_release"]) == (True, 1, None)
    assert (result["color"], result["live"], result["version"], result["paused"]) == ("blue", "blue", "1", False)
    assert machine.proxy.live() == "blue"
    assert is_free(machine)
    record = machine.ctx.records.require(1)
    assert (record.state, record.holder) == ("live", "ann@laptop")
    steps = ["lock", "look", "images", "prepare", "start", "gates", "switch", "workers", "finish"]
    assert [step.name for step in record.steps] == steps
    assert [step["name"] for step in result["steps"]] == steps
    assert started == ["po_shop_prod_blue"]


def test_the_same_again_changes_nothing(machine: Machine, routes: dict[str, t.Any], started: list[str]) -> None:
    release(machine, spec(routes))
    result = release(machine, spec(routes))
    assert (result["changed"], result["plan"]["action"], result["recovery_action"]) == (False, "none", None)
    assert (started, is_free(machine)) == (["po_shop_prod_blue"], True)
    assert [record.number for record in machine.ctx.records.all()] == [1]


def test_a_rollback_and_back(machine: Machine, routes: dict[str, t.Any], started: list[str]) -> None:
    release(machine, spec(routes, version(1)))
    release(machine, spec(routes, version(2)))
    result = release(machine, spec(routes), "rollback")
    assert (result["release"], result["previous_release"], result["live"], result["version"]) == (1, 2, "blue", "1")
    steps = ["lock", "look", "prepare", "start", "gates", "switch", "workers", "finish"]
    assert [step["name"] for step in result["steps"]] == steps
    assert release(machine, spec(routes), "rollback")["live"] == "green"
    assert started == ["po_shop_prod_blue", "po_shop_prod_green"]
    assert [record.state for record in machine.ctx.records.all()] == ["live", "superseded"]


def test_workers_change_over_after_the_users(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    live: list[str | None] = []
    replace = workers.replace

    def note(*words: t.Any) -> None:
        live.append(machine.proxy.live())
        replace(*words)

    monkeypatch.setattr(workers, "replace", note)
    result = release(machine, spec(routes, normalised(web={}, celery={}), workers=["celery"]))
    assert started == ["po_shop_prod_blue", "po_shop_prod_workers"]
    assert (live, result["changed"]) == (["blue"], True)


def test_a_canary_pauses_and_is_promoted(machine: Machine, routes: dict[str, t.Any], started: list[str]) -> None:
    canary = {"strategy": "canary", "canary": "5/0s, 25/pause, 50/0s, 100"}
    release(machine, spec(routes, version(1)))
    result = release(machine, spec(routes, version(2), **canary))
    assert (result["paused"], result["percent"], result["live"], result["color"]) == (True, 25, "blue", "green")
    assert machine.proxy.state.weights == {"po.shop.prod": 25}
    assert (machine.ctx.records.require(2).state, is_free(machine)) == ("paused", True)
    result = release(machine, spec(routes), "promote")
    assert (result["paused"], result["live"], result["previous_release"]) == (False, "green", 1)
    assert machine.proxy.state.weights == {}


@pytest.mark.parametrize("state", ["paused", "prepared"])
def test_a_rollback_takes_a_canary_from_its_clients(machine: Machine, routes: dict[str, t.Any], state: str) -> None:
    stack = checked(strategy="canary", canary="25/pause, 50/1s, 100", drain=0)
    machine.released("blue", stack)
    machine.released("green", stack, state=state, canary_steps_done=1)
    machine.make_live("blue")
    machine.proxy.apply(lambda seen: machine.proxy.plan_weight(seen, "po.shop.prod", 25))
    result = release(machine, spec(routes), "rollback")
    assert (result["changed"], result["canary_cancelled"], result["plan"]["action"]) == (True, True, "cancel_canary")
    assert (machine.proxy.state.weights, machine.proxy.live()) == ({}, "blue")
    assert list(machine.engine.by_name) == ["po-shop-web-prod-blue"]
    record = machine.ctx.records.require(2)
    assert (record.state, record.reason) == ("failed", "cancelled by ann@laptop")
    assert is_free(machine)


# --- what fails ---


def test_a_failed_gate_leaves_nothing_behind(machine: Machine, routes: dict[str, t.Any], started: list[str]) -> None:
    release(machine, spec(routes, version(1)))
    machine.engine.written = {"po-shop-web-prod-green": ["no database"]}
    what = spec(routes, version(2), {"key": "hunter2"}, smoke=[{"contains": "hunter2"}])
    machine.proxy.answer = lambda color, path: (200, "hello")
    content = json.loads(what.sources["docker-compose.yml"])
    content["services"]["web"]["secrets"] = [{"source": "key"}]
    what.sources["docker-compose.yml"] = json.dumps(content)  # type: ignore[index]
    result = failure(machine, what)
    assert "The smoke gate of shop (green) failed" in result["msg"]
    assert (result["failed"], result["gate"], result["release"]) == (True, "smoke", 2)
    assert (result["live"], result["live_before"], result["traffic_reverted"]) == ("blue", "blue", False)
    assert list(machine.engine.by_name) == ["po-shop-web-prod-blue"]
    record = machine.ctx.records.require(2)
    assert (record.state, record.steps[-1].name, record.steps[-1].result) == ("failed", "gates", "failed")
    assert "hunter2" not in str(record.reason)
    assert is_free(machine)


def test_traffic_moves_back_when_a_later_step_fails(
    machine: Machine, routes: dict[str, t.Any], started: list[str]
) -> None:
    release(machine, spec(routes, version(1)))
    paths.failpoint(machine.root).write_text(json.dumps({"point": "after switch", "action": "error"}))
    paths.failpoint(machine.root).chmod(0o600)
    result = failure(machine, spec(routes, version(2)))
    assert (result["live"], result["live_before"], result["traffic_reverted"]) == ("blue", "blue", True)
    assert machine.proxy.live() == "blue"
    assert (machine.ctx.records.require(2).state, machine.ctx.records.require(1).state) == ("failed", "live")


OTHERS = (" canary", " pause", " watch", "after finish")


@pytest.mark.parametrize("point", [point for point in FAILPOINTS if not point.endswith(OTHERS)])
def test_a_failure_at_any_point_leaves_the_old_version_and_a_free_lock(
    machine: Machine, routes: dict[str, t.Any], started: list[str], point: str
) -> None:
    release(machine, spec(routes, version(1)))
    paths.failpoint(machine.root).write_text(json.dumps({"point": point, "action": "error"}))
    paths.failpoint(machine.root).chmod(0o600)
    assert failure(machine, spec(routes, version(2)))["failed"]
    assert (machine.proxy.live(), list(machine.engine.by_name)) == ("blue", ["po-shop-web-prod-blue"])
    assert is_free(machine)
    assert release(machine, spec(routes, version(2)))["live"] == machine.proxy.live() == "green"


QUICK = {"seconds": 1, "interval": 0.5, "min_requests": 5, "consecutive_failures": 1}


def served(machine: Machine, failed: int = 0) -> None:
    """Let clients ask the live color ten times in each look, of which some requests fail."""
    machine.proxy.process.feed = lambda: [
        request_line(color=machine.proxy.live(), status=500 if number < failed else 200) for number in range(10)
    ]


def test_a_release_that_clients_are_served_by_is_proven(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release(machine, spec(routes, version(1)))
    served(machine)
    result = release(machine, spec(routes, version(2), watch=QUICK))
    assert [step["name"] for step in result["steps"]][-3:] == ["workers", "watch", "finish"]
    assert (result["live"], result["watched"]["outcome"], result["watched"]["new"]["failed"]) == ("green", "good", 0)
    record = machine.ctx.records.require(2)
    assert (record.state, record.proven, is_free(machine)) == ("live", True, True)
    (gate,) = record.gates
    assert (gate.name, gate.figures["outcome"], gate.figures["failed"]) == ("watch", "good", 0)
    assert gate.figures["requests"] >= 10
    # A rollback is the way back itself.
    result = release(machine, spec(routes), "rollback")
    assert "watch" not in [step["name"] for step in result["steps"]]
    assert (result["watched"], machine.ctx.records.require(1).proven) == (None, False)


def test_a_release_that_fails_with_clients_is_reverted_after_its_traffic(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release(machine, spec(routes, version(1)))
    served(machine, failed=1)
    live: list[str | None] = []
    revert = release_revert.revert

    def note(*words: t.Any) -> t.Any:
        live.append(machine.proxy.live())
        return revert(*words)

    monkeypatch.setattr(release_revert, "revert", note)
    result = failure(machine, spec(routes, version(2), watch={**QUICK, "seconds": 60}))
    assert "failed: 10.0% of its requests failed, 1.0% are allowed" in result["msg"]
    assert live == ["blue"]
    assert (result["gate"], result["traffic_back"], result["live"]) == ("watch", True, "blue")
    record = machine.ctx.records.require(2)
    assert (record.state, record.proven, record.steps[-1].name) == ("failed", False, "watch")
    assert list(machine.engine.by_name) == ["po-shop-web-prod-blue"]
    assert is_free(machine)


def test_a_first_release_that_fails_with_clients_stays_with_a_warning(
    machine: Machine, routes: dict[str, t.Any], started: list[str]
) -> None:
    served(machine, failed=10)
    result = release(machine, spec(routes, version(1), watch=QUICK))
    assert (result["live"], result["watched"]["outcome"]) == ("blue", "no_way_back")
    assert "so it stays live" in result["warnings_found"][0]
    assert machine.ctx.records.require(1).proven is False


@pytest.mark.parametrize("point", ["before watch", "after watch"])
def test_a_failure_around_the_watch_gate_reverts_the_release(
    machine: Machine, routes: dict[str, t.Any], started: list[str], point: str
) -> None:
    release(machine, spec(routes, version(1)))
    paths.failpoint(machine.root).write_text(json.dumps({"point": point, "action": "error"}))
    paths.failpoint(machine.root).chmod(0o600)
    result = failure(machine, spec(routes, version(2), watch=QUICK))
    assert (result["live"], result["traffic_reverted"], is_free(machine)) == ("blue", True, True)


def test_each_step_of_a_canary_is_watched(machine: Machine, routes: dict[str, t.Any], started: list[str]) -> None:
    canary = {"strategy": "canary", "canary": "5/0.1s, 25/0.1s, 100", "watch": {**QUICK, "on_no_data": "pause"}}
    release(machine, spec(routes, version(1)))
    machine.proxy.process.feed = lambda: [request_line(color=color) for color in ("blue", "green") for _ in range(10)]
    result = release(machine, spec(routes, version(2), **canary))
    names = [step["name"] for step in result["steps"]]
    assert names[4:] == ["start", "canary", "watch", "canary", "watch", "gates", "switch", "workers", "watch", "finish"]
    assert (result["live"], result["watched"]["outcome"]) == ("green", "good")


def test_a_canary_without_clients_pauses_at_its_step(
    machine: Machine, routes: dict[str, t.Any], started: list[str]
) -> None:
    canary = {"strategy": "canary", "canary": "5/0.1s, 25/0.1s, 100", "watch": {**QUICK, "on_no_data": "pause"}}
    release(machine, spec(routes, version(1)))
    result = release(machine, spec(routes, version(2), **canary))
    assert (result["paused"], result["percent"], result["live"]) == (True, 5, "blue")
    assert "0 requests in 0.1 s say nothing, 5 are needed (on_no_data: pause)" in result["watched"]["message"]
    record = machine.ctx.records.require(2)
    assert (record.state, record.canary_steps_done, is_free(machine)) == ("paused", 1, True)


def test_a_release_that_is_recorded_as_live_stays(
    machine: Machine, routes: dict[str, t.Any], started: list[str]
) -> None:
    release(machine, spec(routes, version(1)))
    paths.failpoint(machine.root).write_text(json.dumps({"point": "after finish", "action": "error"}))
    paths.failpoint(machine.root).chmod(0o600)
    result = failure(machine, spec(routes, version(2)))
    assert (result["live"], result["live_before"], result["traffic_reverted"]) == ("green", "blue", False)
    assert (machine.proxy.live(), machine.ctx.records.require(2).state, is_free(machine)) == ("green", "live", True)


def test_an_unexpected_error_reverts_as_well(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release(machine, spec(routes, version(1)))

    def fail(*words: t.Any) -> t.NoReturn:
        raise KeyError("oops")

    monkeypatch.setattr(workers, "replace", fail)
    result = failure(machine, spec(routes, version(2)))
    assert (result["msg"], result["live"]) == ("Unexpected KeyError: 'oops'", "blue")
    assert "in fail" in result["exception"]

    def no_space(*words: t.Any) -> t.NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workers, "replace", no_space)
    assert failure(machine, spec(routes, version(2)))["msg"] == "[Errno 28] No space left on device."
    assert (machine.proxy.live(), is_free(machine)) == ("blue", True)


def test_a_release_that_cannot_be_reverted_has_both_errors(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: t.Any) -> t.NoReturn:
        raise SwitchyardError("the way back is closed")

    monkeypatch.setattr(workers, "replace", fail)
    monkeypatch.setattr(release_revert, "revert", fail)
    result = failure(machine, spec(routes))
    assert (result["release"], result["revert_error"], "live" in result) == (1, "the way back is closed", False)
    assert is_free(machine)


def test_a_release_that_lost_its_lock_reverts_nothing(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*words: t.Any) -> None:
        held = machine.ctx.lock.state()
        machine.ctx.lock.take("bob@desk", "prepare", lambda: None, stale_token=held and held.token)

    monkeypatch.setattr(workers, "replace", overtaken)
    result = failure(machine, spec(routes))
    assert "lost its lock" in result["msg"]
    assert machine.proxy.live() == "blue"
    held = machine.ctx.lock.state()
    assert held
    assert held.holder == "bob@desk"


def test_a_problem_gives_the_lock_back_and_names_everything(machine: Machine, routes: dict[str, t.Any]) -> None:
    result = failure(machine, spec(routes, normalised(web={"image": "reg/web"}), {"unused": "x"}))
    lines = result["msg"].splitlines()
    assert lines[0] == "shop cannot be released (2):"
    assert "reg/web has no tag" in lines[1]
    assert "release" not in result
    assert (is_free(machine), machine.proxy.plans, machine.ctx.records.all()) == (True, [], [])


def test_no_way_back_gives_the_lock_back(machine: Machine, routes: dict[str, t.Any]) -> None:
    assert "no earlier release" in failure(machine, spec(routes), "rollback")["msg"]
    assert is_free(machine)


# --- what an interrupted release left ---


def test_a_job_that_outlived_its_release_is_ended_before_anything_else(
    machine: Machine, routes: dict[str, t.Any], started: list[str]
) -> None:
    machine.engine.start(container("po_shop_prod_jobs-1-1", labels={"role": "job"}))
    release(machine, spec(routes), stale_token=machine.lock("bob@desk"))
    assert "po_shop_prod_jobs-1-1" in machine.engine.removed


def test_a_second_user_is_refused(machine: Machine, routes: dict[str, t.Any]) -> None:
    machine.lock("bob@desk")
    with pytest.raises(LockHeld, match="being released by bob@desk"):
        release(machine, spec(routes))


def test_a_run_waits_for_the_lock_when_it_may(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_lock, "RETRY_EVERY", 0.01)
    token = machine.lock("bob@desk")
    ending = threading.Timer(0.1, lambda: machine.ctx.lock.release(token))
    ending.start()
    process = release_lock.ControllerProcess("ann", "laptop", 4711)
    assert release(machine, spec(routes), process=process, wait=30)["live"] == "blue"
    ending.join()


def test_a_migration_that_was_killed_is_brought_to_an_end_first(
    machine: Machine, routes: dict[str, t.Any], started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "undo", lambda ctx, token: "undone")
    assert release(machine, spec(routes))["recovery_action"] == "undone"
    result = release(machine, spec(routes))
    assert (result["changed"], result["recovery_action"], "release" in result) == (True, "undone", False)
    assert is_free(machine)


def test_requests_that_a_killed_migration_left_waiting_go_on_where_nothing_can_be_released(
    machine: Machine, routes: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.released("blue")
    machine.make_live("blue")
    served: list[int] = []
    monkeypatch.setattr(undo, "undo", lambda ctx, token: "undone")
    monkeypatch.setattr(hold_requests, "restart_and_resume", lambda ctx, old: served.append(old.number))
    machine.engine.registry.clear()
    assert "cannot be pulled" in failure(machine, spec(routes))["msg"]
    assert (served, is_free(machine)) == ([1], True)


def test_a_killed_migration_that_cannot_be_undone_stops_the_release_and_gives_the_lock_back(
    machine: Machine, routes: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_back(ctx: t.Any, token: int) -> str:
        raise SwitchyardError("no database")

    monkeypatch.setattr(undo, "undo", take_back)
    assert failure(machine, spec(routes))["msg"] == "no database"
    assert (is_free(machine), machine.ctx.records.all()) == (True, [])
