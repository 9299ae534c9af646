from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes_postgres import add_backup, backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import create, verify
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server
from ansible_collections.switchyard.stacks.plugins.modules import postgres_backup

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    monkeypatch.setattr(postgres_backup, "Engine", lambda: None)
    return {"root": str(tmp_path), "project": "po", "environment": "prod", "stack": "shop"}


def test_it_makes_a_backup_of_what_was_named(
    run_module: RunModule, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[t.Any, ...]] = []

    def backup(engine: t.Any, store: t.Any, request: t.Any, check_mode: bool) -> create.BackupResult:
        calls.append((store.folder.name, request.database, request.release, check_mode))
        return create.BackupResult(True, "20260101T000000Z-0001", {}, [], None)

    monkeypatch.setattr(create, "create_backup", backup)
    assert run_module(postgres_backup.main, {**options, "release": 12}, check=True)["changed"]
    assert calls == [("shop", "shop_prod", 12, True)]


def test_it_verifies_an_existing_backup(
    run_module: RunModule, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_backup(backup_store(tmp_path), state="restored")
    monkeypatch.setattr(server, "remove_leftover_containers", lambda *names: [])
    monkeypatch.setattr(verify, "verify", lambda engine, store, found, *how: found)
    result = run_module(postgres_backup.main, {**options, "backup": "latest"}, diff=True)
    assert (result["changed"], result["backup"]["state"]) == (False, "restored")


def test_all_problems_are_reported_and_no_password(run_module: RunModule, options: dict[str, t.Any]) -> None:
    given = {**options, "host": "db", "port": 0, "compression": "rar", "password": "marker-of-a-password"}
    result = run_module(postgres_backup.main, given)
    assert result["failed"]
    assert [problem["where"] for problem in result["problems"]] == ["image", "port", "compression"]
    assert "marker-of-a-password" not in str({**result, "invocation": None})
