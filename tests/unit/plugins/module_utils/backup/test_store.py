from __future__ import annotations

from pathlib import Path

import pytest
from fakes_postgres import manifest, shelf, stored

from ansible_collections.switchyard.stacks.plugins.module_utils.backup.manifest import ManifestError
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import StoreBusy
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

FIRST, SECOND = "20260101T000000Z-0001", "20251231T000000Z-0002"


def test_what_is_begun_counts_when_it_is_finished(tmp_path: Path) -> None:
    where = shelf(tmp_path)
    with where.locked(), where.begun(FIRST) as folder:
        (folder / "dump").write_bytes(b"dump")
        assert where.names() == []
        where.finish(FIRST, manifest(FIRST))
    assert [one.name for one in where.whole()] == [FIRST]
    assert where.partials() == []
    for folder in (where.folder / FIRST, where.folder, tmp_path / "backups"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    where = shelf(tmp_path)

    def fail() -> None:
        with where.locked(), where.begun(FIRST) as folder:
            (folder / "dump").write_bytes(b"half")
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert (where.names(), where.partials()) == ([], [])


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    where = shelf(tmp_path)
    (where.folder / f"{FIRST}.partial").mkdir(parents=True)
    assert where.names() == []
    assert where.sweep() == [f"{FIRST}.partial"]
    assert where.partials() == []


def test_the_number_makes_the_order_and_not_the_clock(tmp_path: Path) -> None:
    where = shelf(tmp_path)
    stored(where, FIRST)
    stored(where, SECOND)
    assert where.names() == [SECOND, FIRST]
    assert where.need("latest").name == SECOND
    assert where.next_name(0.0) == "19700101T000000Z-0003"


def test_one_without_a_manifest_is_listed_and_not_used(tmp_path: Path) -> None:
    where = shelf(tmp_path)
    stored(where, FIRST)
    stored(where, SECOND)
    (where.folder / SECOND / "manifest.json").unlink()
    broken, whole = (entry.summary() for entry in where.entries())
    assert (broken["state"], whole["state"]) == ("broken", "dumped")
    assert "it is missing" in broken["problems"][0]
    assert where.need("latest").name == FIRST
    with pytest.raises(ManifestError, match="it is missing"):
        where.need(SECOND)


def test_one_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    where = shelf(tmp_path)
    with pytest.raises(SwitchyardError, match="There are: none"):
        where.need("latest")
    stored(where, FIRST)
    with pytest.raises(SwitchyardError, match=f"There are: {FIRST}"):
        where.need("../other")


def test_two_runs_do_not_work_at_once(tmp_path: Path) -> None:
    with shelf(tmp_path).locked():
        with pytest.raises(StoreBusy, match="Another backup or restore works"), shelf(tmp_path).locked():
            pass
        with shelf(tmp_path / "elsewhere").locked():
            pass
    with shelf(tmp_path).locked():
        pass


def test_removing_takes_the_name_first(tmp_path: Path) -> None:
    where = shelf(tmp_path)
    stored(where, FIRST)
    stored(where, SECOND)
    where.remove([FIRST])
    assert (where.names(), where.partials()) == ([SECOND], [])
