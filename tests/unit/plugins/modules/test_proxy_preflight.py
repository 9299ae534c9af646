from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine, container

from ansible_collections.switchyard.stacks.plugins.modules import proxy_preflight

RunModule = Callable[..., dict[str, t.Any]]


@pytest.mark.parametrize("check", [False, True])
def test_problems_are_a_result_and_no_failure(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any], check: bool
) -> None:
    machine.engine.start(container("traefik"))
    machine.engine.published = {80: {"traefik": {"0.0.0.0"}}}
    options = {**on_server, "provider": "haproxy", "ports": [{"port": 80}]}
    result = run_module(proxy_preflight.main, options, check=check)
    assert not result["changed"]
    assert [problem["where"] for problem in result["problems"]] == ["proxy_http_port"]
    assert run_module(proxy_preflight.main, {**options, "ports": []}, check=check)["problems"] == []


def test_there_are_three_kinds(run_module: RunModule, on_server: dict[str, t.Any]) -> None:
    assert "haproxy, nginx, traefik" in run_module(proxy_preflight.main, {**on_server, "provider": "caddy"})["msg"]
