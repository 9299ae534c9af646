from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine, checked
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.modules import watch

RunModule = Callable[..., dict[str, t.Any]]
QUICK = {"seconds": 0.1, "interval": 0.03, "min_requests": 5}


def served(machine: Machine, status: int) -> None:
    machine.make_live("green")
    machine.proxy.process.feed = lambda: [request_line(color="green", status=status) for _ in range(10)]


def test_the_live_release_is_watched(run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]) -> None:
    served(two_releases, 200)
    result = run_module(watch.main, {**on_server, "stack": "shop", **QUICK})
    assert (result["changed"], result["outcome"], result["old"]) == (False, "good", None)
    assert result["new"]["failed"] == 0
    assert result["new"]["requests"] >= 10


def test_the_failure_has_its_figures(run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]) -> None:
    served(two_releases, 500)
    result = run_module(watch.main, {**on_server, "stack": "shop", **QUICK})
    assert result["failed"]
    assert result["msg"].startswith("The watch gate of shop (green) failed: 100.0% of its requests failed")
    assert (result["traffic_back"], result["error_rate"]) == (True, 1.0)
    assert two_releases.proxy.live() == "blue"


def test_options_replace_what_the_stack_says(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    machine.released("blue", checked(watch={"max_error_rate": 0.5, "seconds": 600}))
    machine.make_live("blue")
    machine.proxy.process.feed = lambda: [request_line(status=500 if number < 3 else 200) for number in range(10)]
    result = run_module(watch.main, {**on_server, "stack": "shop", **QUICK})
    assert result["outcome"] == "good"


def test_the_canary_is_watched_while_it_has_clients(
    run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]
) -> None:
    two_releases.make_live("blue")
    two_releases.proxy.apply(lambda seen: two_releases.proxy.plan_weight(seen, "po.shop.prod", 25))
    two_releases.proxy.process.feed = lambda: [
        request_line(color=color, status=status) for color, status in (("green", 500), ("blue", 200)) for _ in range(10)
    ]
    result = run_module(watch.main, {**on_server, "stack": "shop", **QUICK})
    assert "The watch gate of shop (green) failed" in result["msg"]
    assert (two_releases.proxy.state.weights, two_releases.proxy.live()) == ({}, "blue")


def test_a_stack_without_a_release(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    result = run_module(watch.main, {**on_server, "stack": "shop", **QUICK})
    assert "shop (prod) has no live release" in result["msg"]
