from __future__ import annotations

import time
import typing as t
from collections.abc import Callable
from dataclasses import replace

from fakes import HOST, Machine

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.modules import stack_info

RunModule = Callable[..., dict[str, t.Any]]


def test_what_the_proxy_and_the_engine_say(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    machine.released("blue")
    machine.make_live("blue")
    labels = names.labels(project="po", environment="prod", stack="shop")
    machine.engine.ensure_volume("po-db-data-prod", "local", {}, labels)
    (machine.ctx.folder / "data").mkdir()
    (machine.ctx.folder / "data/.seeds.json").write_text('{"uploads": "1"}')
    result = run_module(stack_info.main, {**on_server, "stack": "shop"})
    assert (result["volumes"], result["folders"]) == ({"po-db-data-prod": []}, ["uploads"])
    assert not result.get("changed")
    assert (result["live"], result["routes"]) == ("blue", {f"{HOST}/": "web"})
    assert result["colors"]["blue"]["containers"] == {"po-shop-web-prod-blue": "running"}
    assert result["colors"]["green"]["release"] is None


def test_a_stack_that_is_closed(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    assert run_module(stack_info.main, {**on_server, "stack": "shop"})["availability"] is None
    machine.proxy.state = machine.proxy.state.with_availability(["po.shop.prod"], "maintenance")
    assert run_module(stack_info.main, {**on_server, "stack": "shop"})["availability"] == "maintenance"


def test_a_stack_that_was_never_released(run_module: RunModule, on_server: dict[str, t.Any]) -> None:
    result = run_module(stack_info.main, {**on_server, "stack": "blog"})
    assert (result["live"], result["lock"], result["workers"]) == (None, None, {})
    assert (result["canary"], result["history"]) == (None, [])


def test_the_history_has_the_newest_release_first_and_no_definition(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    machine.released("blue", state="superseded", images={"reg/web:1": "reg/web@sha256:1"}, finished=2.0)
    machine.released("green", state="failed", reason="The health gate failed", previous=1)
    history = run_module(stack_info.main, {**on_server, "stack": "shop"})["history"]
    assert [(item["number"], item["state"]) for item in history] == [(2, "failed"), (1, "superseded")]
    assert (history[0]["reason"], history[0]["lock_holder"]) == ("The health gate failed", "ann@laptop")
    assert (history[1]["images"], history[1]["finished"]) == ({"reg/web:1": "reg/web@sha256:1"}, 2.0)
    assert "stack" not in history[0]


def test_a_lock_is_stale_after_it_expired(run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]) -> None:
    machine.lock("ann@laptop")
    lock = run_module(stack_info.main, {**on_server, "stack": "shop"})["lock"]
    assert (lock["holder"], lock["step"], lock["stale"]) == ("ann@laptop", "prepare", False)
    state = machine.ctx.lock.state()
    assert state
    machine.ctx.lock._write(replace(state, until=time.time() - 1))
    assert run_module(stack_info.main, {**on_server, "stack": "shop"})["lock"]["stale"]


def test_a_canary_has_its_weight_its_step_and_whether_it_is_paused(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    machine.released("blue")
    machine.released("green", state="paused", previous=1, canary_steps_done=2)
    machine.make_live("blue")
    assert run_module(stack_info.main, {**on_server, "stack": "shop"})["canary"] is None
    machine.proxy.state = replace(machine.proxy.state, weights={"po.shop.prod": 25})
    canary = run_module(stack_info.main, {**on_server, "stack": "shop"})["canary"]
    assert canary == {"release": 2, "version": "-", "weight": 25, "step": 2, "paused": True}
