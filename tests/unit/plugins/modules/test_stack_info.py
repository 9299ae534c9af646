from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import HOST, Machine

from ansible_collections.switchyard.stacks.plugins.modules import stack_info

RunModule = Callable[..., dict[str, t.Any]]


def test_what_the_proxy_and_the_engine_say(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    machine.released("blue")
    machine.make_live("blue")
    result = run_module(stack_info.main, {**on_server, "stack": "shop"})
    assert not result.get("changed")
    assert (result["live"], result["routes"]) == ("blue", {f"{HOST}/": "web"})
    assert result["colors"]["blue"]["containers"] == {"po-web-prod-blue": "running"}
    assert result["colors"]["green"]["release"] is None


def test_a_stack_that_is_closed(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    assert run_module(stack_info.main, {**on_server, "stack": "shop"})["availability"] is None
    machine.proxy.state = machine.proxy.state.with_availability(["po.shop.prod"], "maintenance")
    assert run_module(stack_info.main, {**on_server, "stack": "shop"})["availability"] == "maintenance"


def test_a_stack_that_was_never_released(run_module: RunModule, on_server: dict[str, t.Any]) -> None:
    result = run_module(stack_info.main, {**on_server, "stack": "blog"})
    assert (result["live"], result["lock"], result["workers"]) == (None, None, {})
