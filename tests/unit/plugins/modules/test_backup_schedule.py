from __future__ import annotations

import json
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import schedule
from ansible_collections.switchyard.stacks.plugins.modules import backup_schedule

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[schedule.ScheduleSpec, bool]]:
    made: list[tuple[schedule.ScheduleSpec, bool]] = []

    def install(wish: schedule.ScheduleSpec, check: bool) -> dict[str, t.Any]:
        made.append((wish, check))
        return {"changed": True}

    monkeypatch.setattr(schedule, "install", install)
    return made


def test_a_job_has_all_options_of_a_backup(run_module: RunModule, wishes: list[t.Any], tmp_path: Path) -> None:
    options = {
        "root": str(tmp_path),
        "project": "po",
        "environment": "prod",
        "at": "03:30",
        "repository": "/far",
        "jobs": [{"stack": "shop", "keep": "7", "copy": True}, {"stack": "blog", "pre": [["sync"]]}],
        "repository_password": "marker-copies",
        "passwords": {"shop": "marker-server"},
        "credentials": {"A": "b"},
    }
    result = run_module(backup_schedule.main, options, check=True)
    assert result["changed"]
    assert "marker" not in json.dumps(result)
    wish, check = wishes[0]
    assert check
    assert (wish.at, wish.check_at, wish.parts, wish.password) == ("03:30", None, 10, "marker-copies")
    shop, blog = wish.jobs
    assert (shop["keep"], shop["copy"], shop["password"], shop["verify"]) == (7, True, "marker-server", "restore")
    assert (blog["pre"], blog["password"], blog["root"]) == ([["sync"]], None, str(tmp_path))


def test_a_wrong_job_is_told(run_module: RunModule, wishes: list[t.Any], tmp_path: Path) -> None:
    ctx = {"root": str(tmp_path), "project": "po", "environment": "prod"}
    told = run_module(backup_schedule.main, {**ctx, "jobs": [{"stack": "shop", "keap": 7}]})["msg"]
    assert "jobs, shop: keap. Supported parameters include" in told
    assert wishes == []
