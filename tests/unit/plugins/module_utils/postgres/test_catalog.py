from __future__ import annotations

import typing as t

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    catalog,
    change_counters,
    content_snapshot,
)


def test_content_is_hashed_where_there_are_columns() -> None:
    session = FakeSession(
        {
            "relkind = 'r'": [{"name": "public.a", "columns": "id, name"}, {"name": "public.empty", "columns": None}],
            "FROM ONLY": [{"rows": 3, "content": "7"}],
        }
    )
    assert set(content_snapshot.table_checksums(t.cast("t.Any", session), content=True)) == {"public.a", "public.empty"}
    assert "hash_record_extended(ROW(id, name), 0)" in session.statements[1]
    assert "hash_record_extended" not in session.statements[2]
    content_snapshot.table_checksums(t.cast("t.Any", session), content=False)
    assert "hash_record_extended" not in session.statements[4]


def test_who_looks_meanwhile_sees_the_tables_that_were_counted() -> None:
    seen: list[set[str]] = []
    found: dict[str, dict[str, t.Any]] = {}

    def count() -> list[dict[str, t.Any]]:
        seen.append(set(found))
        return [{"rows": 3, "content": None}]

    listed = [{"name": "public.a", "columns": None}, {"name": "public.b", "columns": None}]
    session = FakeSession({"relkind = 'r'": listed, "FROM ONLY": count})
    assert content_snapshot.table_checksums(t.cast("t.Any", session), False, found) is found
    assert seen[0] == set()
    assert seen[-1] == {"public.a"}


def test_the_planner_is_told_of_the_tenant_s_tables_only() -> None:
    session = FakeSession({"relkind IN": [{"name": "public.a"}]})
    catalog.analyze(t.cast("t.Any", session))
    assert session.statements[1:] == ["ANALYZE public.a"]


@pytest.mark.parametrize(("used", "following"), [(False, 5), (True, 15)])
def test_a_sequence_is_known_by_its_next_number(used: bool, following: int) -> None:
    session = FakeSession({"relkind = 'S'": [{"name": "s", "step": 10}], "FROM s": [{"value": 5, "used": used}]})
    assert content_snapshot.sequences(t.cast("t.Any", session)) == {"s": following}


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        ({"changes": 100, "began": "x"}, 0),
        ({"changes": 610, "began": "x"}, 510),
        # PostgreSQL crashed, or somebody reset the counters.
        ({"changes": 610, "began": "y"}, None),
        ({"changes": 99, "began": "x"}, None),
    ],
)
def test_changes_are_told_only_where_they_were_counted(now: dict[str, t.Any], changes: int | None) -> None:
    assert change_counters.changes_since({"changes": 100, "began": "x"}, now) == changes


def test_what_analyze_writes_is_no_change() -> None:
    session = FakeSession({"pg_stat_sys_tables": [{"changes": 40}], "tup_inserted": [{"changes": 100, "began": "x"}]})
    assert change_counters.count_changes(t.cast("t.Any", session), "shop") == {"changes": 60, "began": "x", "own": 40}
    outside = change_counters.count_changes_from_outside(t.cast("t.Any", session), "shop", own=30)
    assert outside == {"changes": 70, "began": "x", "own": 30}


def test_the_version_is_the_first_line_of_a_query_that_sees_the_tables() -> None:
    session = FakeSession({"schema_version": ["0003", "0002"]})
    assert catalog.first_row(t.cast("t.Any", session), "SELECT v FROM schema_version") == "0003"
    assert "public" in session.statements[0]
    assert "set_config('search_path', '', true)" in session.statements[2]
    assert catalog.first_row(t.cast("t.Any", session), None) is None
    assert catalog.first_row(t.cast("t.Any", session), "SELECT nothing") == ""


def test_a_database_that_is_not_there_is_none() -> None:
    assert catalog.database_facts(t.cast("t.Any", FakeSession()), "shop") is None


@pytest.mark.parametrize(
    ("answers", "empty"),
    [
        ({}, True),
        ({"relkind = 'r'": [{"name": "public.a", "columns": None}]}, False),
        ({"relkind = 'S'": [{"name": "public.a_id_seq", "step": 1}]}, False),
    ],
)
def test_a_database_is_empty_where_nobody_made_anything(answers: dict[str, t.Any], empty: bool) -> None:
    assert content_snapshot.has_no_tables(t.cast("t.Any", FakeSession(answers))) is empty
