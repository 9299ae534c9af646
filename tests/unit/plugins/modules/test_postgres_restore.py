from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore as backup_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.restore_plan import RestoreRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server
from ansible_collections.switchyard.stacks.plugins.modules import postgres_restore

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    monkeypatch.setattr(postgres_restore, "Engine", lambda: None)
    return {"root": str(tmp_path), "project": "po", "environment": "prod", "stack": "shop", "backup": "latest"}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, RestoreRequest("latest")),
        ({"max_discarded_changes": 510, "logins": ["app"]}, RestoreRequest("latest", None, ("app",), "510")),
        ({"block_writes": True, "anonymise": "SQL"}, RestoreRequest("latest", block_writes=True, anonymise="SQL")),
        ({"from_environment": "staging"}, RestoreRequest("latest")),
        (
            {"owner": "shop_owner", "logins": [], "max_discarded_changes": "unknown"},
            RestoreRequest("latest", "shop_owner", (), "unknown"),
        ),
    ],
)
def test_options_become_what_is_asked(
    run_module: RunModule,
    options: dict[str, t.Any],
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, t.Any],
    asked: RestoreRequest,
) -> None:
    calls: list[tuple[t.Any, ...]] = []

    def restore(
        engine: t.Any, where: t.Any, wanted: t.Any, what: RestoreRequest, check: bool, source: t.Any
    ) -> dict[str, t.Any]:
        calls.append((wanted.database, what, check, source and source.folder.parent.name))
        return {"changed": True}

    monkeypatch.setattr(backup_restore, "restore_backup", restore)
    assert run_module(postgres_restore.main, {**options, **given}, check=True)["changed"]
    other = given.get("from_environment")
    assert calls == [("shop_prod", asked, True, other and f"po-{other}")]


def test_a_backup_that_is_not_there_is_reported(
    run_module: RunModule, options: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "remove_leftover_containers", lambda *names: [])
    assert "There is no backup latest" in run_module(postgres_restore.main, options)["msg"]
