from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes_postgres import add_backup, backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore_journal
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.offsite_restic import OffsiteRepository
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.lockout import Lockout
from ansible_collections.switchyard.stacks.plugins.modules import postgres_backup_info


def test_it_lists_what_is_there_and_what_is_wrong(run_module: Callable[..., dict[str, t.Any]], tmp_path: Path) -> None:
    options = {"root": str(tmp_path), "project": "po", "environment": "prod", "stack": "shop"}
    nothing = run_module(postgres_backup_info.main, options)
    assert (nothing["changed"], nothing["backups"], nothing["lockout"], nothing["interrupted_restore"]) == (
        False,
        [],
        None,
        None,
    )
    store = backup_store(tmp_path)
    add_backup(store, state="restored")
    add_backup(store, "20260102T000000Z-0002")
    (store.folder / "20260102T000000Z-0002" / "manifest.json").unlink()
    (store.folder / "20260103T000000Z-0003.partial").mkdir()
    active = Lockout("f1", "shop_prod", ["shop_prod"], 1.0)
    atomic_file.write_json(store.folder / "lockout.json", dataclasses.asdict(active))
    restore_journal.save_journal(store.folder, restore_journal.RestoreJournal("b-1", "shop_prod", "new", None, None))
    found = run_module(postgres_backup_info.main, options, check=True)
    assert [one["state"] for one in found["backups"]] == ["broken", "restored"]
    assert found["unfinished"] == ["20260103T000000Z-0003.partial"]
    assert (found["lockout"]["id"], found["interrupted_restore"], found["stack"]) == ("f1", "b-1", "shop")


def test_it_returns_the_last_run_and_the_copies(
    run_module: Callable[..., dict[str, t.Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"root": str(tmp_path), "project": "po", "environment": "prod", "stack": "shop"}
    plain = run_module(postgres_backup_info.main, options)
    assert (plain["last_run"], "offsite" in plain) == (None, False)
    monkeypatch.setattr(OffsiteRepository, "snapshots", lambda self, stack: {f"{self.owner}-{stack}": {}})
    backup_store(tmp_path).create_folder()
    atomic_file.write_json(backup_store(tmp_path).folder / "last-run.json", {"ok": False, "error": "Make room."})
    found = run_module(postgres_backup_info.main, {**options, "list_offsite": True})
    assert (found["last_run"]["error"], found["offsite"]) == ("Make room.", ["po-prod-shop"])
