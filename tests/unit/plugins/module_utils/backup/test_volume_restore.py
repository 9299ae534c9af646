from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from fakes_volumes import LIVE, VolumeEngine, container

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    volume_archive,
    volume_backup,
    volume_restore,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_backup import VolumeRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_store import VolumeStore
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

WHO = ("po", "prod", "shop", "uploads")
REQUEST = VolumeRequest(*WHO)


@pytest.fixture
def server(tmp_path: Path) -> tuple[t.Any, VolumeStore, Path]:
    """Give a volume that has changed since its backup."""
    engine, store = VolumeEngine(tmp_path, container("web")), VolumeStore(tmp_path, *WHO)
    photo = engine.folder_of(LIVE) / "photo.jpg"
    photo.write_bytes(b"before")
    volume_backup.create_volume_backup(t.cast("t.Any", engine), store, REQUEST)
    photo.write_bytes(b"after")
    engine.noted.clear()
    return engine, store, photo


def test_a_backup_is_swapped_in_and_the_old_content_is_kept(server: tuple[t.Any, VolumeStore, Path]) -> None:
    engine, store, photo = server
    looked = volume_restore.restore_volume(engine, store, REQUEST, "latest", check_mode=True)
    assert (photo.read_bytes(), engine.noted, set(engine.made_volumes)) == (b"after", [], {LIVE})
    result = volume_restore.restore_volume(engine, store, REQUEST, "latest")
    assert (looked.changed, looked.volume) == (result.changed, result.volume)
    assert (photo.read_bytes(), engine.noted) == (b"before", ["stop web", "start web"])
    assert set(engine.made_volumes) == {LIVE, result.retained}
    assert (engine.folder_of(result.retained) / "photo.jpg").read_bytes() == b"after"
    assert not (store.folder / volume_restore.JOURNAL).exists()


@pytest.mark.parametrize("broken", [1, 2])
def test_a_swap_that_fails_is_undone(
    server: tuple[t.Any, VolumeStore, Path], broken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, store, photo = server
    rename, calls = os.rename, []

    def fail(source: t.Any, target: t.Any) -> None:
        if "_data" in str(source):
            calls.append(source)
            if len(calls) == broken:
                raise OSError("Input/output error")
        rename(source, target)

    monkeypatch.setattr(volume_restore.os, "rename", fail)
    with pytest.raises(OSError, match="Input/output error"):
        volume_restore.restore_volume(engine, store, REQUEST, "latest")
    assert (photo.read_bytes(), engine.noted, set(engine.made_volumes)) == (b"after", ["stop web", "start web"], {LIVE})


@pytest.mark.parametrize(("moved", "outcome", "content"), [(1, "undone", b"after"), (2, "finished", b"before")])
def test_a_killed_restore_is_finished_by_the_next_run(
    server: tuple[t.Any, VolumeStore, Path], moved: int, outcome: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, store, photo = server
    finish, rename, calls = volume_restore.finish_interrupted, os.rename, []

    class Killed(BaseException):
        """The end of the process."""

    def kill(source: t.Any, target: t.Any) -> None:
        rename(source, target)
        if "_data" in str(source):
            calls.append(source)
            if len(calls) == moved:
                raise Killed

    def killed(*dummy: t.Any) -> None:
        if calls:
            raise Killed

    monkeypatch.setattr(volume_restore.os, "rename", kill)
    monkeypatch.setattr(volume_restore, "finish_interrupted", killed)
    monkeypatch.setattr(engine, "start_container", killed)
    with pytest.raises(Killed):
        volume_restore.restore_volume(engine, store, REQUEST, "latest")
    monkeypatch.undo()
    assert finish(engine, store) == outcome
    assert (photo.read_bytes(), engine.container("web").running) == (content, True)
    assert finish(engine, store) is None


def test_a_damaged_backup_is_refused_before_anything(server: tuple[t.Any, VolumeStore, Path]) -> None:
    engine, store, photo = server
    archive = store.folder / store.names()[0] / "dump"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(SwitchyardError, match="is not what was copied"):
        volume_restore.restore_volume(engine, store, REQUEST, "latest")
    assert (photo.read_bytes(), engine.noted, set(engine.made_volumes)) == (b"after", [], {LIVE})


def test_a_restored_volume_that_differs_is_never_swapped_in(
    server: tuple[t.Any, VolumeStore, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, store, photo = server
    monkeypatch.setattr(volume_archive, "extract", lambda archive, folder: None)
    with pytest.raises(SwitchyardError, match="does not restore"):
        volume_restore.restore_volume(engine, store, REQUEST, "latest")
    assert (photo.read_bytes(), engine.noted, set(engine.made_volumes)) == (b"after", [], {LIVE})
