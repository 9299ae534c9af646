from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "live.map"
    path.write_text("old")
    atomic_file.write(path, "new\n", 0o640)
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_needed_after_a_power_cut_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    atomic_file.write(tmp_path / "progress.json", "{}", 0o600, durable=False)
    assert (tmp_path / "progress.json").read_text() == "{}"
    assert synced == []
    atomic_file.write(tmp_path / "lock.json", "{}")
    assert len(synced) == 2


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "kept").write_text("old")
    with pytest.raises(OSError, match="folder"):
        atomic_file.write(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (target / "kept").read_text() == "old"


def test_a_file_is_put_there_or_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    atomic_file.write_or_remove(path, "one")
    assert path.read_text() == "one"
    atomic_file.write_or_remove(path, None)
    atomic_file.write_or_remove(path, None)
    assert not path.exists()


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / f".live.map.{os.getpid()}.tmp").symlink_to(victim)
    with pytest.raises(OSError, match=r"live\.map"):
        atomic_file.write(tmp_path / "live.map", "new")
    assert victim.read_text() == "untouched"


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "map"
    contents = {"a" * 100_000, "b" * 100_000}
    atomic_file.write(path, "a" * 100_000)
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for content in sorted(contents) * 5:
        atomic_file.write(path, content)
    done.set()
    reader.join()
    assert seen <= contents


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    atomic_file.write_json(tmp_path / "a.json", {"b": [1, None], "a": "ä"}, 0o600)
    assert atomic_file.read_json(tmp_path / "a.json") == {"a": "ä", "b": [1, None]}
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600


def test_what_is_missing_or_torn_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"number": 1, "sta')
    assert atomic_file.read_json(tmp_path / "torn.json") is None
    assert atomic_file.read_json(tmp_path / "missing.json") is None
    assert atomic_file.read_json(tmp_path / "torn.json" / "below") is None
    assert atomic_file.read(tmp_path / "missing") is None
    assert atomic_file.read(tmp_path / "torn.json" / "below") is None
    assert atomic_file.read(tmp_path / "torn.json") == '{"number": 1, "sta'


HOLD = "import fcntl,sys,time; f=open(sys.argv[1],'a'); fcntl.flock(f,2); print('held',flush=True); time.sleep(0.3)"


def test_another_process_that_holds_the_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        begun = time.monotonic()
        with atomic_file.locked(path):
            waited = time.monotonic() - begun
    assert waited > 0.15
    assert path.exists()
