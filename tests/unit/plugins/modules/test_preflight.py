from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import COMPOSE, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.modules import preflight

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(
    machine: Machine, on_server: dict[str, t.Any], docker: Callable[[str], Callable[[], list[str]]]
) -> dict[str, t.Any]:
    docker(COMPOSE)
    return {**on_server, "min_free_mb": 0, "dns": "off"}


def stacks(content: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    what = given(content)
    return [
        {
            "definition": state_file.as_json(what.stack),
            "sources": what.sources,
            "tree": {},
            "inventory_path": what.where,
        }
    ]


def test_a_stack_that_can_be_released(run_module: RunModule, options: dict[str, t.Any]) -> None:
    result = run_module(preflight.main, {**options, "stacks": stacks(normalised())})
    assert (result["changed"], result["problems"]) == (False, [])
    assert result["plans"][0]["action"] == "release"


def test_problems_are_a_result_and_no_failure(run_module: RunModule, options: dict[str, t.Any]) -> None:
    result = run_module(preflight.main, {**options, "stacks": stacks(normalised(web={"image": "reg/web"}))})
    assert "failed" not in result
    assert result["problems"][0]["message"] == "reg/web has no tag"


def test_room_is_asked_for_in_mebibytes(run_module: RunModule, options: dict[str, t.Any]) -> None:
    result = run_module(preflight.main, {**options, "min_free_mb": 2**40})
    assert "1073741824.0 GiB are asked for" in result["problems"][0]["message"]


def test_the_way_back(run_module: RunModule, options: dict[str, t.Any]) -> None:
    result = run_module(preflight.main, {**options, "mode": "rollback", "stacks": stacks(normalised())})
    assert "no earlier release" in result["problems"][0]["message"]
