from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import timer_main
from ansible_collections.switchyard.stacks.plugins.module_utils.release import backup_timer
from ansible_collections.switchyard.stacks.plugins.module_utils.release.backup_sources import expand
from ansible_collections.switchyard.stacks.plugins.module_utils.release.kept_backups import kept_backups


def test_the_timer_keeps_the_backups_of_kept_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[t.Any] = []
    monkeypatch.setattr(timer_main, "main", lambda *given: calls.append(given) or 1)
    assert backup_timer.main(["backup.pyz"]) == 1
    assert calls == [(["backup.pyz"], kept_backups, expand)]
