from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

import pytest
from fakes import HOST, Machine, application, checked

from ansible_collections.switchyard.stacks.plugins.modules import bluegreen

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(machine: Machine, on_server: dict[str, t.Any]) -> Iterator[dict[str, t.Any]]:
    """Give a server with release 1 live on blue and release 2 idle on green."""
    with application(lambda path, headers: (200, {}, "ok")) as port:
        health = {"successes": 1, "interval": 0.01, "timeout": 1}
        stack = checked(routes=[{"service": "web", "port": port, "hosts": [HOST], "health": health}])
        machine.released("blue", stack)
        machine.released("green", stack, state="prepared")
        machine.make_live("blue")
        yield {**on_server, "stack": "shop", "color": "green"}


def test_users_are_sent_to_the_color(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    result = run_module(bluegreen.main, options)
    assert (result["changed"], result["color_before"], result["color_after"]) == (True, "blue", "green")
    assert (result["requests"], result["old_in_flight"]) == (1, 0)
    assert machine.proxy.live() == "green"


def test_again_changes_nothing(run_module: RunModule, options: dict[str, t.Any]) -> None:
    run_module(bluegreen.main, options)
    assert not run_module(bluegreen.main, options)["changed"]


def test_check_mode_says_the_same_and_moves_nothing(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    looked = run_module(bluegreen.main, options, check=True, diff=True)
    assert (machine.proxy.live(), machine.proxy.asked) == ("blue", [])
    done = run_module(bluegreen.main, options, diff=True)
    assert {key: looked[key] for key in ("changed", "color_before", "color_after", "diff")} == {
        key: done[key] for key in ("changed", "color_before", "color_after", "diff")
    }


def test_a_gate_that_fails_is_reported_with_the_last_log_lines(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    machine.proxy.answer = lambda color, path: (500, "no database")
    machine.engine.written = {"po-shop-web-prod-green": ["connecting", "refused"]}
    result = run_module(bluegreen.main, options)
    assert result["failed"]
    assert result["gate"] == "health"
    assert "500 from green: no database" in result["msg"]
    assert result["logs"] == {"po-shop-web-prod-green": ["connecting", "refused"]}
    assert machine.proxy.live() == "blue"


def test_nothing_moves_while_a_release_runs(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    machine.lock("bob@desk")
    assert "being released by bob@desk" in run_module(bluegreen.main, options)["msg"]
    assert machine.proxy.live() == "blue"


def test_there_are_two_colors(run_module: RunModule, options: dict[str, t.Any]) -> None:
    assert "blue, green" in run_module(bluegreen.main, {**options, "color": "red"})["msg"]
