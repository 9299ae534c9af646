from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.modules import environment_info

RunModule = Callable[..., dict[str, t.Any]]


def test_each_stack_is_a_line(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    machine.released("blue", service_images={"web": "shop/web:1.4.0"}, finished=2.0)
    machine.make_live("blue")
    result = run_module(environment_info.main, on_server)
    assert (result["changed"], result["now"] > 2) == (False, True)
    [line] = result["stacks"]
    assert (line["stack"], line["live"], line["release"]["version"]) == ("shop", "blue", "1.4.0")


def test_an_unknown_stack_fails(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    machine.released("blue")
    result = run_module(environment_info.main, {**on_server, "stacks": ["shpo"]})
    assert result["failed"]
    assert "Did you mean 'shop'?" in result["msg"]
