from __future__ import annotations

from fakes_postgres import (
    backup_request,
)

from ansible_collections.switchyard.stacks.plugins.module_utils.backup.retention import RetentionPolicy


def test_wrong_options_are_reported_at_once() -> None:
    asked = backup_request(compression="rar", parallel_jobs=0, retention=RetentionPolicy(count=0, days=0))
    assert [problem.where for problem in asked.problems()] == [
        "compression",
        "parallel_jobs",
        "keep",
        "keep_days",
        "keep",
    ]
