from __future__ import annotations

from pathlib import Path

from fakes_progress import action, write_progress

from ansible_collections.switchyard.stacks.plugins.action.postgres_backup import ActionModule
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import BackupStore
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext


def test_its_progress_is_that_of_the_backups_and_not_of_a_release(tmp_path: Path) -> None:
    write_progress(HostContext(tmp_path, "po", "prod").stack("shop").folder, "migrate", done=None)
    looking = action(ActionModule, tmp_path)
    assert looking.read_progress() is None
    write_progress(BackupStore(tmp_path, "po", "prod", "shop").folder)
    seen = looking.read_progress()
    assert seen
    assert (seen.step, seen.done, seen.of) == ("verify", 50, 100)
