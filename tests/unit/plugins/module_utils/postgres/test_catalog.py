from __future__ import annotations

import typing as t

from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    catalog,
)


def test_only_the_tenants_tables_are_analyzed() -> None:
    session = FakeSession({"relkind IN": [{"name": "public.a"}]})
    catalog.analyze(t.cast("t.Any", session))
    assert session.statements[1:] == ["ANALYZE public.a"]


def test_the_version_is_the_first_line_of_a_query_that_sees_the_tables() -> None:
    session = FakeSession({"schema_version": ["0003", "0002"]})
    assert catalog.first_row(t.cast("t.Any", session), "SELECT v FROM schema_version") == "0003"
    assert "public" in session.statements[0]
    assert "set_config('search_path', '', true)" in session.statements[2]
    assert catalog.first_row(t.cast("t.Any", session), None) is None
    assert catalog.first_row(t.cast("t.Any", session), "SELECT nothing") == ""


def test_a_database_that_is_not_there_is_none() -> None:
    assert catalog.database_facts(t.cast("t.Any", FakeSession()), "shop") is None
