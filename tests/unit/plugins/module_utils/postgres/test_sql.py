from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    sql,
)


def test_names_and_texts_are_written_as_sql() -> None:
    assert sql.ident('a"b') == '"a""b"'
    assert sql.literal("it's") == "'it''s'"
    assert sql.literal(None) == "NULL"


def test_a_long_name_keeps_its_tail() -> None:
    name = sql.shorten_name("d" * 63, "__restore_12")
    assert (len(name), name[-12:]) == (63, "__restore_12")
