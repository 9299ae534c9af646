from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore_journal
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.restore_journal import RestoreJournal

ORIGIN = {"backup": "b-1", "oid": 9, "changes": {"changes": 5, "began": "x", "own": 0}}
LOADING = RestoreJournal("b-1", "shop", "shop__restore_1", "shop__before_x", old_oid=5)
SWAPPING = RestoreJournal("b-1", "shop", "shop__restore_1", "shop__before_x", 5, 9, ["app"], ORIGIN)


def cluster(**names: int) -> FakeSession:
    """Return a server with these databases."""
    return FakeSession({"FROM pg_database": [{"oid": oid, "name": name} for name, oid in names.items()]})


def test_without_a_journal_nothing_is_asked(tmp_path: Path) -> None:
    session = cluster(shop=5)
    assert restore_journal.finish_interrupted(t.cast("t.Any", session), tmp_path) is None
    assert session.statements == []


@pytest.mark.parametrize("journal", [LOADING, SWAPPING])
def test_before_the_swap_all_is_taken_back(tmp_path: Path, journal: RestoreJournal) -> None:
    restore_journal.save_journal(tmp_path, journal)
    session = cluster(shop=5, shop__restore_1=9)
    assert restore_journal.finish_interrupted(t.cast("t.Any", session), tmp_path) == "undone"
    assert session.statements[1:] == [
        'ALTER DATABASE "shop" ALLOW_CONNECTIONS true',
        'DROP DATABASE "shop__restore_1" WITH (FORCE)',
        *(['ALTER ROLE "app" LOGIN'] if journal.logins else []),
    ]
    assert restore_journal.load_journal(tmp_path) is None
    assert atomic_file.read_json(restore_journal.origin_path(tmp_path)) is None


def test_before_anything_was_made_there_is_nothing_to_drop(tmp_path: Path) -> None:
    restore_journal.save_journal(tmp_path, LOADING)
    session = cluster(shop=5)
    assert restore_journal.finish_interrupted(t.cast("t.Any", session), tmp_path) == "undone"
    assert not any("DROP" in one for one in session.statements)


def test_after_the_swap_only_the_logins_come_back(tmp_path: Path) -> None:
    restore_journal.save_journal(tmp_path, SWAPPING)
    session = cluster(shop=9, shop__before_x=5)
    assert restore_journal.finish_interrupted(t.cast("t.Any", session), tmp_path) == "finished"
    assert session.statements[1:] == ['ALTER ROLE "app" LOGIN']
    assert atomic_file.read_json(restore_journal.origin_path(tmp_path)) == ORIGIN


def test_a_name_that_another_database_has_by_now_is_left_alone(tmp_path: Path) -> None:
    restore_journal.save_journal(tmp_path, SWAPPING)
    session = cluster(shop=77)
    assert restore_journal.finish_interrupted(t.cast("t.Any", session), tmp_path) == "undone"
    assert session.statements[1:] == ['ALTER ROLE "app" LOGIN']
