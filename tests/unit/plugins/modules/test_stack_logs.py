from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.modules import stack_logs

RunModule = Callable[..., dict[str, t.Any]]


def test_the_lines_of_a_service(run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]) -> None:
    two_releases.engine.written = {"po-shop-web-prod-blue": ["GET / 200"]}
    result = run_module(stack_logs.main, {**on_server, "stack": "shop", "service": "web"})
    assert not result["changed"]
    assert result["containers"] == [
        {"name": "po-shop-web-prod-blue", "state": "running", "lines": ["GET / 200"]},
        {"name": "requests of po.shop.prod", "state": "the proxy's access log", "lines": []},
    ]


def test_a_wrong_time_fails(run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]) -> None:
    result = run_module(stack_logs.main, {**on_server, "stack": "shop", "since": "ten minutes"})
    assert "since is 'ten minutes', which is not a duration" in result["msg"]
