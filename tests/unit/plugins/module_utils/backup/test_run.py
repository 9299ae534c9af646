from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_postgres import add_backup, backup_request, backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import create, hooks
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import run as backup_run
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.run import BackupRun
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

ENGINE = t.cast("t.Any", None)
NAME = "20260101T000000Z-0001"


class FakeRepository:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.uploaded: list[str] = []

    def upload(self, where: t.Any, manifest: t.Any, rule: t.Any, named: t.Any) -> list[str]:
        if self.error:
            raise self.error
        self.uploaded.append(manifest.name)
        return ["old"]


@pytest.fixture
def done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[t.Any]:
    """Note what is done in its order; a backup adds one to the store."""
    order: list[t.Any] = []

    def backup(engine: t.Any, store: t.Any, asked: t.Any, check_mode: bool = False) -> create.BackupResult:
        order.append("look" if check_mode else "backup")
        made = None if check_mode else add_backup(store, state="restored").summary()
        return create.BackupResult(True, NAME, {}, [], None, made)

    def run(kind: str, commands: t.Any, reported: dict[str, t.Any], limit: float) -> None:
        order.append((kind, reported.get("result"), reported.get("backup")))
        if commands == (("fail",),):
            raise SwitchyardError(f"The {kind}-hook fail ended badly.")

    monkeypatch.setattr(create, "create_backup", backup)
    monkeypatch.setattr(hooks, "run_hooks", run)
    return order


def test_from_the_first_hook_to_the_copy(tmp_path: Path, done: list[t.Any]) -> None:
    offsite = FakeRepository()
    result = backup_run.run_backup(
        ENGINE,
        backup_store(tmp_path),
        backup_request(),
        BackupRun(offsite=t.cast("t.Any", offsite), started_by="timer"),
    )
    assert done == [("pre", None, None), "backup", ("post", "ok", NAME)]
    assert (result.copied_offsite, result.removed_offsite, offsite.uploaded) == (True, ["old"], [NAME])
    last = backup_run.last_run(backup_store(tmp_path))
    assert last
    assert last["finished"] >= last["started"]
    assert {key: last[key] for key in ("ok", "started_by", "name", "state", "copied_offsite", "error")} == {
        "ok": True,
        "started_by": "timer",
        "name": NAME,
        "state": "restored",
        "copied_offsite": True,
        "error": None,
    }


def test_a_pre_hook_that_fails_ends_it_before_anything(tmp_path: Path, done: list[t.Any]) -> None:
    with pytest.raises(SwitchyardError, match="pre-hook"):
        backup_run.run_backup(ENGINE, backup_store(tmp_path), backup_request(), BackupRun(pre_hooks=(("fail",),)))
    assert done == [("pre", None, None)]
    last = backup_run.last_run(backup_store(tmp_path))
    assert last
    assert (last["ok"], last["name"], last["error"]) == (False, None, "The pre-hook fail ended badly.")
    assert (backup_store(tmp_path).folder / backup_run.LAST_RUN).stat().st_mode & 0o777 == 0o600
    assert backup_store(tmp_path).folder.stat().st_mode & 0o777 == 0o700


def test_what_fails_in_between_is_passed_to_the_post_hooks_and_shown(tmp_path: Path, done: list[t.Any]) -> None:
    offsite = FakeRepository(SwitchyardError("restic backup ended with exit code 1: no route"))
    with pytest.raises(SwitchyardError, match="no route"):
        backup_run.run_backup(
            ENGINE,
            backup_store(tmp_path),
            backup_request(),
            BackupRun(post_hooks=(("fail",),), offsite=t.cast("t.Any", offsite)),
        )
    assert done[-1] == ("post", "failed", NAME)
    last = backup_run.last_run(backup_store(tmp_path))
    assert last
    # The backup exists, its copy does not.
    assert (last["ok"], last["name"], last["copied_offsite"]) == (False, NAME, False)


def test_check_mode_runs_nothing_around_it(tmp_path: Path, done: list[t.Any]) -> None:
    assert backup_run.run_backup(
        ENGINE, backup_store(tmp_path), backup_request(), BackupRun(pre_hooks=(("fail",),)), check_mode=True
    ).changed
    assert (done, backup_run.last_run(backup_store(tmp_path))) == (["look"], None)
