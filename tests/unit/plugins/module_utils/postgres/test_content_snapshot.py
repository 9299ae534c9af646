from __future__ import annotations

import typing as t

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
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


def test_the_counted_tables_are_visible_while_others_are_counted() -> None:
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


@pytest.mark.parametrize(("used", "following"), [(False, 5), (True, 15)])
def test_a_sequence_is_known_by_its_next_number(used: bool, following: int) -> None:
    session = FakeSession({"relkind = 'S'": [{"name": "s", "step": 10}], "FROM s": [{"value": 5, "used": used}]})
    assert content_snapshot.sequences(t.cast("t.Any", session)) == {"s": following}


@pytest.mark.parametrize(
    ("answers", "empty"),
    [
        ({}, True),
        ({"relkind = 'r'": [{"name": "public.a", "columns": None}]}, False),
        ({"relkind = 'S'": [{"name": "public.a_id_seq", "step": 1}]}, False),
    ],
)
def test_a_database_without_tables_is_empty(answers: dict[str, t.Any], empty: bool) -> None:
    assert content_snapshot.has_no_tables(t.cast("t.Any", FakeSession(answers))) is empty
