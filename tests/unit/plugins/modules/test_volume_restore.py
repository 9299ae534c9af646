from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes_volumes import VolumeEngine

from ansible_collections.switchyard.stacks.plugins.modules import volume_restore


def test_a_backup_that_does_not_exist_is_an_error(
    run_module: Callable[..., dict[str, t.Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume_restore, "Engine", lambda: VolumeEngine(tmp_path))
    options = {"root": str(tmp_path), "project": "po", "environment": "prod", "stack": "shop", "volume": "uploads"}
    failed = run_module(volume_restore.main, {**options, "backup": "latest"})
    assert failed["failed"]
    assert "no backup latest" in failed["msg"]
