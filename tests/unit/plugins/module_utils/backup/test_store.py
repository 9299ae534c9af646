from __future__ import annotations

from pathlib import Path

import pytest
from fakes_postgres import add_backup, backup_store, manifest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup.manifest import ManifestError
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import StoreBusy
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

FIRST, SECOND = "20260101T000000Z-0001", "20251231T000000Z-0002"


def test_what_is_begun_counts_when_it_is_finished(tmp_path: Path) -> None:
    store = backup_store(tmp_path)
    with store.locked(), store.writing(FIRST) as folder:
        (folder / "dump").write_bytes(b"dump")
        assert store.names() == []
        store.publish(FIRST, manifest(FIRST))
    assert [one.name for one in store.usable()] == [FIRST]
    assert store.partials() == []
    for folder in (store.folder / FIRST, store.folder, tmp_path / "backups"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    store = backup_store(tmp_path)

    def fail() -> None:
        with store.locked(), store.writing(FIRST) as folder:
            (folder / "dump").write_bytes(b"half")
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert (store.names(), store.partials()) == ([], [])


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    store = backup_store(tmp_path)
    (store.folder / f"{FIRST}.partial").mkdir(parents=True)
    assert store.names() == []
    assert store.remove_partials() == [f"{FIRST}.partial"]
    assert store.partials() == []


def test_the_number_makes_the_order_and_not_the_clock(tmp_path: Path) -> None:
    store = backup_store(tmp_path)
    add_backup(store, FIRST)
    add_backup(store, SECOND)
    assert store.names() == [SECOND, FIRST]
    assert store.get("latest").name == SECOND
    assert store.next_name(0.0) == "19700101T000000Z-0003"


def test_one_without_a_manifest_is_listed_and_not_used(tmp_path: Path) -> None:
    store = backup_store(tmp_path)
    add_backup(store, FIRST)
    add_backup(store, SECOND)
    (store.folder / SECOND / "manifest.json").unlink()
    broken, whole = (entry.summary() for entry in store.all())
    assert (broken.state, whole.state) == ("broken", "dumped")
    assert "it is missing" in broken.problems[0]
    assert store.get("latest").name == FIRST
    with pytest.raises(ManifestError, match="it is missing"):
        store.get(SECOND)


def test_one_that_is_not_there_is_reported_with_those_that_are(tmp_path: Path) -> None:
    store = backup_store(tmp_path)
    with pytest.raises(SwitchyardError, match="Existing backups: none"):
        store.get("latest")
    add_backup(store, FIRST)
    with pytest.raises(SwitchyardError, match=f"Existing backups: {FIRST}"):
        store.get("../other")


def test_two_runs_do_not_work_at_once(tmp_path: Path) -> None:
    with backup_store(tmp_path).locked():
        with pytest.raises(StoreBusy, match="Another backup or restore is running"), backup_store(tmp_path).locked():
            pass
        with backup_store(tmp_path / "other").locked():
            pass
    with backup_store(tmp_path).locked():
        pass


def test_removing_takes_the_name_first(tmp_path: Path) -> None:
    store = backup_store(tmp_path)
    add_backup(store, FIRST)
    add_backup(store, SECOND)
    store.remove([FIRST])
    assert (store.names(), store.partials()) == ([SECOND], [])
