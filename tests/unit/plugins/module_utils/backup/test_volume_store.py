from __future__ import annotations

from pathlib import Path

from fakes_postgres import backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_store import VolumeStore, volume_stores


def test_a_volume_has_a_store_below_that_of_its_stack(tmp_path: Path) -> None:
    stack = backup_store(tmp_path)
    own = VolumeStore(tmp_path, "po", "prod", "shop", "my data")
    own.create_folder()
    assert own.folder == stack.folder / ".volumes" / "my%20data"
    assert [(name, store.folder) for name, store in volume_stores(stack)] == [("my data", own.folder)]
    own.set_stopped(["web"])
    assert own.stopped() == ["web"]
    own.set_stopped([])
    assert list(own.folder.iterdir()) == []
