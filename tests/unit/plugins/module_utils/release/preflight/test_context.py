from __future__ import annotations

import typing as t
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from fakes import COMPOSE, Machine, given, normalised
from fakes_preflight import fails

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError, Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    SkippedCheck,
    StackCheckContext,
    run_checks,
)

Docker = Callable[[str], Callable[[], list[str]]]


def check(name: str, needs: tuple[str, ...], *messages: str) -> t.Any:
    problems = [Problem("server", message, "Do something", "server.test") for message in messages]
    return SimpleNamespace(__name__=f"package.{name}", NEEDS=needs, check=lambda context: problems)


def test_a_later_check_runs_when_an_earlier_one_found_something(machine: Machine) -> None:
    checks = [check("first", (), "one", "two"), check("second", ("engine", "proxy"), "three")]
    problems, skipped = run_checks(checks, HostCheckContext(machine.host), "server")
    assert [problem.message for problem in problems] == ["one", "two", "three"]
    assert skipped == []


def test_a_check_is_skipped_with_the_reason(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def networks() -> t.NoReturn:
        raise EngineError("No engine answers.", hint="Run setup.yml.")

    monkeypatch.setattr(machine.engine, "networks_in_use", networks)
    context = HostCheckContext(machine.host)
    checks = [check("first", ("engine",), "one"), check("second", ("proxy",), "two")]
    problems, skipped = run_checks(checks, context, "server")
    assert [problem.message for problem in problems] == ["two"]
    assert skipped == [SkippedCheck("first", "server", "needs engine: No engine answers.")]


def test_an_environment_without_routes_has_an_empty_proxy(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(type(machine.proxy), "read")
    assert HostCheckContext(machine.host, needs_proxy=False).proxy_state == ProxyState()


def test_a_stack_has_its_images_and_what_is_to_be_pulled(machine: Machine, docker: Docker) -> None:
    docker(COMPOSE)
    machine.engine.__init__(images=["reg/web:1"])  # type: ignore[misc]
    content = normalised(web={}, cache={"image": "redis:7"}, any={"image": "redis"}, none={"image": None})
    context = StackCheckContext(HostCheckContext(machine.host), given(content))
    assert context.images == {"reg/web:1": "sha256:reg/web:1"}
    assert context.pulls == ["redis:7"]
    assert context.failures == {}
    colors = ("blue", "green")
    containers = [f"po-shop-{name}-prod-{color}" for name in ("web", "cache", "any", "none") for color in colors]
    networks = [("network", "po-shop-default-prod"), ("network", "po-shop-prod.front")]
    assert context.resources == [*(("container", name) for name in containers), *networks]


def test_a_check_without_rights_is_skipped(machine: Machine) -> None:
    reads = SimpleNamespace(__name__="checks.reads", NEEDS=(), check=fails(PermissionError(13, "Permission denied")))
    with pytest.raises(PermissionError):
        run_checks([t.cast(t.Any, reads)], HostCheckContext(machine.host), "server")
    file = machine.root / "a-file"
    file.touch(0o600)
    object.__setattr__(machine.host, "root", file)
    problems, skipped = run_checks([t.cast(t.Any, reads)], HostCheckContext(machine.host), "server")
    assert problems == []
    assert [(item.check, item.reason.split(":")[0]) for item in skipped] == [("reads", "needs rights")]
