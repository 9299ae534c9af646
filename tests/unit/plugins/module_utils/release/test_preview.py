from __future__ import annotations

import json
import typing as t
from collections.abc import Callable

from fakes import COMPOSE, Machine, checked, given

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import preview
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.examine import examine_stack

Docker = Callable[[str], Callable[[], list[str]]]


def look(machine: Machine, mode: str = "deploy") -> dict[str, t.Any]:
    return module_args.to_result(preview.preview_release(machine.ctx, given(), mode))


def test_a_preview_has_the_plan_and_changes_nothing(machine: Machine, docker: Docker) -> None:
    docker(COMPOSE)
    machine.engine.registry = {"reg/web:1"}
    before = {path for path in machine.root.rglob("*") if path.name != "docker.log"}
    result = look(machine)
    assert {path for path in machine.root.rglob("*") if path.name != "docker.log"} == before
    assert (machine.proxy.plans, machine.engine.images, machine.ctx.lock.state()) == ([], {}, None)
    assert result["plan"]["action"] == examine_stack(machine.ctx, given(), "deploy")[1].action == "release"
    assert (result["changed"], result["diff"]["before"]) == (True, "")
    assert "po-shop-web-prod" in json.dumps(result["diff"]["after"])


def test_a_rollback_compares_two_releases(machine: Machine) -> None:
    machine.released("blue", checked(), state="superseded")
    machine.released("green", checked(), previous=1)
    machine.make_live("green")
    for number, text in ((1, "old"), (2, "new")):
        (machine.ctx.records.path(number) / "readable.txt").write_text(text)
    result = look(machine, "rollback")
    assert (result["changed"], result["diff"]["before"], result["diff"]["after"]) == (True, "new", "old")
