from __future__ import annotations

import typing as t

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    change_counters,
)


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        ({"changes": 100, "began": "x"}, 0),
        ({"changes": 610, "began": "x"}, 510),
        # PostgreSQL crashed, or its counters were reset.
        ({"changes": 610, "began": "y"}, None),
        ({"changes": 99, "began": "x"}, None),
    ],
)
def test_changes_are_known_only_where_they_were_counted(now: dict[str, t.Any], changes: int | None) -> None:
    assert change_counters.changes_since({"changes": 100, "began": "x"}, now) == changes


def test_what_analyze_writes_is_not_a_change() -> None:
    session = FakeSession({"pg_stat_sys_tables": [{"changes": 40}], "tup_inserted": [{"changes": 100, "began": "x"}]})
    assert change_counters.count_changes(t.cast("t.Any", session), "shop") == {"changes": 60, "began": "x", "own": 40}
    outside = change_counters.count_changes_from_outside(t.cast("t.Any", session), "shop", own=30)
    assert outside == {"changes": 70, "began": "x", "own": 30}
