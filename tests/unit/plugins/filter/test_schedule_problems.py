from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.schedule_problems import FilterModule


def test_problems_are_dictionaries() -> None:
    found = FilterModule().filters()["schedule_problems"]("/srv", "noon", "", "")
    assert found == [
        {
            "where": "backup_daily_at",
            "message": "noon is not a time of day",
            "hint": "Write it as 03:30",
            "code": "schedule.time",
            "severity": "error",
        }
    ]
