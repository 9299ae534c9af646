from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes_volumes import LIVE, VolumeEngine, container

from ansible_collections.switchyard.stacks.plugins.modules import volume_backup, volume_restore


def test_the_modules_agree_with_their_check_mode(
    run_module: Callable[..., dict[str, t.Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = VolumeEngine(tmp_path, container("web"))
    for module in (volume_backup, volume_restore):
        monkeypatch.setattr(module, "Engine", lambda: engine)
    options = {"root": str(tmp_path), "project": "po", "environment": "prod", "stack": "shop", "volume": "uploads"}
    photo = engine.folder_of(LIVE) / "photo.jpg"
    photo.write_bytes(b"before")
    looked = run_module(volume_backup.main, options, check=True)
    done = run_module(volume_backup.main, options)
    assert (looked["changed"], looked["diff"]["before"]) == (done["changed"], done["diff"]["before"])
    photo.write_bytes(b"after")
    asked = {**options, "backup": "latest"}
    looked = run_module(volume_restore.main, asked, check=True)
    assert photo.read_bytes() == b"after"
    done = run_module(volume_restore.main, asked)
    assert (looked["changed"], looked["volume"], photo.read_bytes()) == (done["changed"], done["volume"], b"before")
