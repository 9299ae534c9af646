from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.modules import server_settings

Run = Callable[..., dict[str, t.Any]]


def options(root: Path, environment: str, port: int, **more: t.Any) -> dict[str, t.Any]:
    settings = {"proxy": {"proxy_https_port": port}}
    owner = {"root": str(root), "project": "po", "environment": environment, "operator": "anna@ci"}
    return {**owner, "settings": settings, **more}


def test_it_runs_four_times(run_module: Run, tmp_path: Path) -> None:
    given = options(tmp_path, "prod", 443, record=True)
    first, second, third, fourth = (run_module(server_settings.main, given, check=check) for check in (True, False) * 2)
    assert [one["changed"] for one in (first, second, third, fourth)] == [True, True, False, False]
    assert first["diff"]["after"].startswith("proxy_https_port: 443  (set by prod (anna@ci, ")
    assert third["pending"] is False


def test_without_record_it_only_compares(run_module: Run, tmp_path: Path) -> None:
    answer = run_module(server_settings.main, options(tmp_path, "prod", 443))
    assert (answer["changed"], answer["pending"]) == (False, True)
    assert list(tmp_path.iterdir()) == []


def test_another_value_fails_and_is_applied_when_it_is_accepted(run_module: Run, tmp_path: Path) -> None:
    run_module(server_settings.main, options(tmp_path, "prod", 443, record=True))
    for check in (True, False):
        failed = run_module(server_settings.main, options(tmp_path, "qual", 0, record=True), check=check)
        assert failed["failed"]
        assert [one["code"] for one in failed["problems"]] == ["server.setting_differs"]
        assert failed["msg"].startswith("Nothing was changed. Other environments of this server use other values (1):")
    accepted = options(tmp_path, "qual", 0, record=True, accept_server_change=True)
    answer = run_module(server_settings.main, accepted)
    assert answer["changed"]
    assert answer["effects"][0].startswith("proxy_https_port: 443 -> 0, for prod too, ")
