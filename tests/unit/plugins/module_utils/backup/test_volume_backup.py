from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_volumes import LIVE, VolumeEngine, container

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import volume_archive, volume_backup
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.retention import RetentionPolicy
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_backup import VolumeRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_store import VolumeStore
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

WHO = ("po", "prod", "shop", "uploads")


def server(tmp_path: Path, *more: t.Any) -> tuple[t.Any, VolumeStore]:
    """Return an engine with a running and a stopped container of the volume, and its backup store."""
    engine = VolumeEngine(tmp_path, container("web"), container("old", state="exited"), *more)
    (engine.folder_of(LIVE) / "photo.jpg").write_bytes(b"a photo")
    return engine, VolumeStore(tmp_path, *WHO)


def test_a_volume_is_copied_while_its_containers_are_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, store = server(tmp_path)
    write = volume_archive.write_archive
    monkeypatch.setattr(volume_archive, "write_archive", lambda *given: engine.noted.append("copy") or write(*given))
    result = volume_backup.create_volume_backup(engine, store, VolumeRequest(*WHO))
    assert engine.noted == ["stop web", "copy", "start web"]
    assert result.backup
    assert (result.backup.state, result.backup.rows, result.plan.method) == ("read", 1, "stopped")
    assert store.get("latest").entries["photo.jpg"]["size"] == 7
    assert store.stopped() == []


def test_hooks_replace_stopping(tmp_path: Path) -> None:
    engine, store = server(tmp_path, container("queue", service="queue"))
    request = VolumeRequest(*WHO, service="queue", before=("queue", "pause"), after=("queue", "resume"))
    result = volume_backup.create_volume_backup(engine, store, request)
    assert (engine.noted, result.plan.method) == (["queue pause", "queue resume"], "hooked")


def test_check_mode_says_the_same_and_does_nothing(tmp_path: Path) -> None:
    engine, store = server(tmp_path)
    request = VolumeRequest(*WHO, retention=RetentionPolicy(count=1))
    volume_backup.create_volume_backup(engine, store, request)
    engine.noted.clear()
    looked = volume_backup.create_volume_backup(engine, store, request, check_mode=True)
    assert (engine.noted, len(store.names())) == ([], 1)
    done = volume_backup.create_volume_backup(engine, store, request)
    assert (looked.removed, looked.diff["before"]) == (done.removed, done.diff["before"])
    assert (len(done.removed), len(store.names())) == (1, 1)


def test_a_copy_that_fails_leaves_nothing_and_all_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, store = server(tmp_path)

    def fail(*dummy: t.Any) -> t.NoReturn:
        raise OSError("No space left on device")

    monkeypatch.setattr(volume_archive, "write_archive", fail)
    with pytest.raises(OSError, match="No space left"):
        volume_backup.create_volume_backup(engine, store, VolumeRequest(*WHO))
    assert (engine.noted, store.names(), store.partials(), store.stopped()) == (["stop web", "start web"], [], [], [])


def test_what_a_killed_run_has_stopped_is_started_first(tmp_path: Path) -> None:
    engine, store = server(tmp_path)
    with store.locked():
        store.set_stopped(["old", "gone"])
    result = volume_backup.create_volume_backup(engine, store, VolumeRequest(*WHO))
    assert result.started_again == ["old", "gone"]
    assert engine.noted[0] == "start old"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"volume": "upload"}, "volume po-shop-upload-prod on this server"),
        ({"before": ("x",)}, r"no container of the service \(none is named\) runs"),
        ({"before": ("x",), "service": "gone"}, "no container of the service gone runs"),
    ],
)
def test_problems_come_before_anything_is_done(tmp_path: Path, change: dict[str, t.Any], why: str) -> None:
    engine, store = server(tmp_path)
    request = VolumeRequest(*WHO[:3], **{"volume": "uploads", **change})
    with pytest.raises(SwitchyardError, match=why):
        volume_backup.create_volume_backup(engine, store, request)
    assert engine.noted == []


def test_the_containers_of_others_are_not_stopped(tmp_path: Path) -> None:
    engine, store = server(tmp_path, container("theirs", project="other"))
    with pytest.raises(SwitchyardError, match="theirs of another owner runs and uses it"):
        volume_backup.create_volume_backup(engine, store, VolumeRequest(*WHO))
    engine.driver = "nfs"
    with pytest.raises(SwitchyardError, match="has the driver nfs"):
        volume_backup.create_volume_backup(engine, store, VolumeRequest(*WHO))
    assert engine.noted == []
