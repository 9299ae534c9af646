from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.modules import stack_command

RunModule = Callable[..., dict[str, t.Any]]


def test_a_command_and_its_output(run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]) -> None:
    two_releases.engine.inside = lambda command: (0, " ".join(command))
    options = {**on_server, "stack": "shop", "service": "web", "command": "manage.py check"}
    result = run_module(stack_command.main, options)
    assert (result["changed"], result["rc"], result["lines"]) == (True, 0, ["manage.py check"])


def test_check_mode_runs_nothing(run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]) -> None:
    asked: list[list[str]] = []

    def inside(command: list[str]) -> tuple[int, str]:
        asked.append(command)
        return 0, ""

    two_releases.engine.inside = inside
    options = {**on_server, "stack": "shop", "service": "web", "command": "rm -rf /"}
    result = run_module(stack_command.main, options, check=True)
    assert (result["container"], result["rc"], asked) == ("po-shop-web-prod-blue", None, [])


def test_a_command_that_fails(run_module: RunModule, two_releases: Machine, on_server: dict[str, t.Any]) -> None:
    two_releases.engine.inside = lambda command: (2, "no such file")
    result = run_module(stack_command.main, {**on_server, "stack": "shop", "service": "web", "command": "cat x"})
    assert (result["failed"], result["rc"], result["lines"]) == (True, 2, ["no such file"])
    assert "ended with exit code 2" in result["msg"]
