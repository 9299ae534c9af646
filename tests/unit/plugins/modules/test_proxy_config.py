from __future__ import annotations

import typing as t
from collections.abc import Callable

import pytest
from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.modules import proxy_config

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(machine: Machine, on_server: dict[str, t.Any]) -> dict[str, t.Any]:
    (machine.root / "proxy" / "conf.d").mkdir()
    return {**on_server, "content": "global\n"}


def test_the_configuration_is_put_in_place_once(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    result = run_module(proxy_config.main, options)
    assert (result["changed"], result["running"]) == (True, False)
    assert (machine.root / "proxy" / "conf.d" / "00-proxy.cfg").read_text() == "global\n"
    assert not run_module(proxy_config.main, options)["changed"]


def test_check_mode_shows_the_difference_and_writes_nothing(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    result = run_module(proxy_config.main, options, check=True, diff=True)
    assert result["changed"]
    assert (result["diff"]["before"], result["diff"]["after"]) == ("", "global\n")
    assert list((machine.root / "proxy" / "conf.d").iterdir()) == []


def test_a_folder_that_is_missing_is_reported(
    run_module: RunModule, machine: Machine, options: dict[str, t.Any]
) -> None:
    (machine.root / "proxy" / "conf.d").rmdir()
    result = run_module(proxy_config.main, options)
    assert result["failed"]
    assert "No such file or directory" in result["msg"]
