from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils import code_cache
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import shared_scan
from ansible_collections.switchyard.stacks.plugins.modules import uninstall

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(
    machine: Machine, on_server: dict[str, t.Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, t.Any]:
    monkeypatch.setattr(shared_scan, "UNITS", tmp_path / "units")
    monkeypatch.setattr(shared_scan, "CRON", tmp_path / "cron")
    monkeypatch.setattr(code_cache, "ROOT", tmp_path / "cache" / "code")
    machine.make_live("blue")
    machine.released("blue")
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    return on_server


def test_an_environment_is_removed_once(run_module: RunModule, options: dict[str, t.Any]) -> None:
    predicted = run_module(uninstall.main, options, check=True, diff=True)
    done = run_module(uninstall.main, options, diff=True)
    assert predicted["changed"]
    assert (predicted["changed"], predicted["diff"]) == (done["changed"], done["diff"])
    assert "container po-shop-web-prod-blue" in done["removed"]
    assert not run_module(uninstall.main, options, check=True)["changed"]
    again = run_module(uninstall.main, options)
    assert (again["changed"], again["removed"], again["others"]) == (False, [], [])


def test_the_lock_holder_is_named(run_module: RunModule, machine: Machine, options: dict[str, t.Any]) -> None:
    machine.lock("ann@laptop")
    assert "is being released by ann@laptop" in run_module(uninstall.main, options)["msg"]
