from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup.schedule import schedule_problems


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (("/srv", "03:30", "05:30", "/far"), []),
        (("/srv/my data", "", "", ""), []),
        (("/srv/my data", "noon", "25:00", ""), ["time", "time", "no_repository", "root"]),
        (("/srv", "3:30", "", ""), ["time"]),
        (("/srv", "03:30\n", "", ""), ["time"]),
    ],
)
def test_all_mistakes_of_a_schedule_are_reported_together(values: tuple[str, str, str, str], codes: list[str]) -> None:
    assert [problem.code for problem in schedule_problems(*values)] == [f"schedule.{code}" for code in codes]
