from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest
from fakes_postgres import FakeSession, backup_store, manifest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore_journal, swap
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.restore_plan import (
    RestoreFacts,
    RestorePlan,
    RestoreRequest,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.psql_session import ConnectionLost

COUNTERS = {"changes": 100, "began": "once", "own": 7}


def plan(**changes: t.Any) -> RestorePlan:
    values = {
        "database": "shop",
        "owner": "shop_owner",
        "new_database": "shop__restore_1",
        "retained_database": "shop__before",
        "logins": ["shop"],
        "restore_grants": True,
        "properties": {},
        "locked_out": False,
        "discarded_changes": 0,
        "up_to_date": False,
    }
    return RestorePlan(**{**values, **changes})


def facts(**changes: t.Any) -> RestoreFacts:
    values = {
        "server": {},
        "database": {"oid": 5},
        "owner": None,
        "roles": frozenset(),
        "missing_extensions": (),
        "locked_out": False,
        "baseline": COUNTERS,
        "counters": COUNTERS,
        "changes": 0,
        "already_restored": False,
        "free_bytes": None,
    }
    return RestoreFacts(**{**values, **changes})


def final_count(changes: int, allowed: str | None = None, **options: t.Any) -> int | None:
    """Count the discarded changes of a database with this counter after writes are blocked."""
    session = FakeSession({"tup_inserted": [{"changes": changes, "began": "once"}]})
    known = facts(**options.pop("facts", {}))
    return swap.final_change_count(
        t.cast("t.Any", session), RestoreRequest("b", max_discarded_changes=allowed), manifest(), plan(**options), known
    )


def test_the_changes_by_analyze_are_subtracted() -> None:
    assert final_count(107) == 0


def test_changes_of_the_last_moment_are_checked_again() -> None:
    with pytest.raises(SwitchyardError, match="More was written in the meantime"):
        final_count(108)
    assert final_count(108, allowed="1") == 1


def test_behind_a_lockout_the_planned_number_counts() -> None:
    assert final_count(900, locked_out=True, discarded_changes=3) == 3
    assert final_count(900, facts={"baseline": None}, discarded_changes=None) is None


def test_an_absent_database_is_not_renamed() -> None:
    session = FakeSession()
    journal = restore_journal.RestoreJournal("b", "shop", "shop__restore_1", None, None, 9)
    changes = swap.swap_databases(
        t.cast("t.Any", session),
        RestoreRequest("b"),
        manifest(),
        plan(retained_database=None),
        facts(database=None),
        journal,
        {},
    )
    assert changes == 0
    assert session.statements == ["BEGIN", 'ALTER DATABASE "shop__restore_1" RENAME TO "shop"', "COMMIT"]


def test_a_server_that_stays_away_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[int] = []

    class Gone:
        @contextlib.contextmanager
        def session(self) -> t.Iterator[FakeSession]:
            attempts.append(1)
            raise ConnectionLost("the connection is gone")
            yield FakeSession()

    monkeypatch.setattr(swap, "RECOVERY_TIMEOUT", 0.6)
    assert swap.undo_failed_swap(t.cast("t.Any", Gone()), backup_store(tmp_path)) is None
    assert len(attempts) > 1
