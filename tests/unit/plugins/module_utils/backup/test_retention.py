from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup.retention import (
    DAY,
    PlannedBackup,
    RetentionPolicy,
    backups_to_remove,
)

NOW = 100 * DAY


def backups(*states: str) -> list[PlannedBackup]:
    """Return backups of a day each, the oldest first; the last one is of today."""
    count = len(states)
    return [
        PlannedBackup(f"b-{number:04d}", state, NOW - (count - number) * DAY) for number, state in enumerate(states, 1)
    ]


def names(*numbers: int) -> list[str]:
    return [f"b-{number:04d}" for number in numbers]


@pytest.mark.parametrize(
    ("states", "rule", "left_out"),
    [
        # Without a policy nothing is removed.
        (["restored"] * 3, RetentionPolicy(), []),
        (["restored"] * 4, RetentionPolicy(count=2), [1, 2]),
        (["restored"] * 4, RetentionPolicy(days=2.5), [1]),
        # What either keeps stays.
        (["restored"] * 4, RetentionPolicy(count=1, days=2.5), [1]),
        (["restored"] * 4, RetentionPolicy(count=3, days=0.5), [1]),
        # The last one that was restored stays, also when newer ones were only read.
        (["restored", "restored", "read", "read"], RetentionPolicy(count=1), [1, 3]),
        (["read", "read", "dumped", "dumped"], RetentionPolicy(count=1), [1, 3]),
        (["dumped"] * 3, RetentionPolicy(count=1), [1, 2]),
        # Age alone never takes the newest one, nor the last verified one.
        (["restored", "dumped"], RetentionPolicy(days=0.1), []),
    ],
)
def test_which_go(states: list[str], rule: RetentionPolicy, left_out: list[int]) -> None:
    assert backups_to_remove(backups(*states), rule, NOW + DAY / 4) == names(*left_out)


def test_one_that_is_named_stays() -> None:
    assert backups_to_remove(backups(*["restored"] * 4), RetentionPolicy(count=1), NOW, names(2)) == names(1, 3)


def test_a_clock_that_went_back_takes_nothing_newer() -> None:
    existing = [PlannedBackup("b-0001", "restored", NOW), PlannedBackup("b-0002", "restored", NOW - 50 * DAY)]
    assert backups_to_remove(existing, RetentionPolicy(count=1), NOW) == names(1)


def test_there_may_be_none() -> None:
    assert backups_to_remove([], RetentionPolicy(count=1, days=1), NOW) == []
