from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_postgres import add_backup, restored

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    offsite_restic,
    options,
    run_restore,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore as backup_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.manifest import Manifest


def params(**given: t.Any) -> dict[str, t.Any]:
    """Return a module's options with their defaults."""
    spec = {**options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.RUN_OPTIONS}
    ctx = {"root": "/srv", "project": "po", "environment": "prod", "stack": "my-shop"}
    return {**{name: one.get("default") for name, one in spec.items()}, **ctx, **given}


@pytest.mark.parametrize("check", [True, False])
def test_a_copy_is_fetched_before_it_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    calls: list[t.Any] = []

    def fetch(self: t.Any, store: t.Any, name: str, stack: str) -> Manifest:
        calls.append(("fetch", self.owner, store.folder.parent.name, name))
        return add_backup(store)

    def restore(
        engine: t.Any, store: t.Any, wanted: t.Any, asked: t.Any, check: bool, other: t.Any
    ) -> backup_restore.RestoreResult:
        calls.append(("restore", asked.backup, store.folder.parent.name, other.folder.parent.name))
        return restored()

    monkeypatch.setattr(offsite_restic.OffsiteRepository, "fetch", fetch)
    monkeypatch.setattr(offsite_restic.OffsiteRepository, "resolve", lambda self, name, stack: f"copy-{name}")
    monkeypatch.setattr(backup_restore, "restore_backup", restore)
    given = {key: value for key, value in params(root=str(tmp_path)).items() if key not in options.BACKUP_OPTIONS}
    given.update(
        {"backup": "latest", "owner": None, "logins": None, "max_discarded_changes": None, "block_writes": False}
    )
    given.update({"anonymise": None, "from_environment": "test", "fetch_offsite": True})
    result = run_restore.run_restore(t.cast("t.Any", None), given, check)
    assert result.changed
    if check:
        assert (calls, "copy-latest" in result.diff["after"]) == ([], True)
    else:
        assert calls == [
            ("fetch", "po-test", "po-test", "latest"),
            ("restore", "20260101T000000Z-0001", "po-prod", "po-test"),
        ]
