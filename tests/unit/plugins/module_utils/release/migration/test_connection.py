from __future__ import annotations

import pytest
from fakes_migration import Scene

from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import StoreBusy
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    connection,
)


def test_another_runs_backup_is_waited_for(scene: Scene) -> None:
    busy = [StoreBusy("b"), StoreBusy("b")]

    def work() -> str:
        if busy:
            raise busy.pop()
        return "done"

    assert connection.retry_while_busy(work) == "done"
    busy = [StoreBusy("b")]
    with pytest.raises(StoreBusy):
        connection.retry_while_busy(work, limit=-1)
