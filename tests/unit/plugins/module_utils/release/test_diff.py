from __future__ import annotations

import json
import typing as t
from collections.abc import Callable

import pytest
from fakes import COMPOSE, Machine, colored, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release import prepare
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

Notes = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def commands(docker: Callable[[str], Notes], machine: Machine) -> Notes:
    machine.engine.registry = {"reg/web:1", "reg/celery:1", "reg/db:1"}
    return docker(COMPOSE)


def begin(machine: Machine, what: StackInput | None = None, mode: str = "deploy", gone: int | None = None) -> t.Any:
    return prepare.start_release(machine.ctx, what or given(), mode, "ann@laptop", gone)


def diff(machine: Machine, old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    machine.make_live("blue")
    machine.engine.pull("reg/web:1")
    first = begin(machine, given(normalised(web={"environment": old})))
    machine.engine.start(colored("green", first["release"], "x"))
    machine.make_live("green")
    machine.ctx.lock.release(first["token"])
    return t.cast(
        "dict[str, str]",
        prepare.preview(machine.ctx, given(normalised(web={"environment": new})), "deploy")["diff"],
    )


def test_a_diff_shows_which_variable_changed_and_never_its_value(machine: Machine) -> None:
    shown = diff(machine, {"KEY": "hunter2", "SAME": "x"}, {"KEY": "hunter3", "SAME": "x"})
    before, after = (json.loads(shown[side])["po-web-prod"]["environment"] for side in ("before", "after"))
    assert before["KEY"] != after["KEY"]
    assert before["SAME"] == after["SAME"]
    assert "hunter" not in str(shown)


def test_a_diff_does_not_show_what_differs_with_every_release(machine: Machine) -> None:
    shown = diff(machine, {"A": "1"}, {"A": "1"})
    assert shown["before"] == shown["after"] != ""
