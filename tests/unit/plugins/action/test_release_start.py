from __future__ import annotations

from pathlib import Path

from fakes_progress import action, write_progress

from ansible_collections.switchyard.stacks.plugins.action.release_start import ActionModule
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext


def test_the_progress_of_a_release_is_that_of_its_migration_and_its_backup(tmp_path: Path) -> None:
    release = action(ActionModule, tmp_path)
    assert release.read_progress() is None
    write_progress(tmp_path / "backups" / "po-prod" / "shop", "dump")
    seen = release.read_progress()
    assert seen
    assert seen.step == "dump"
    write_progress(HostContext(tmp_path, "po", "prod").stack("shop").folder, "migrate", done=None)
    seen = release.read_progress()
    assert seen
    assert seen.step == "migrate"
