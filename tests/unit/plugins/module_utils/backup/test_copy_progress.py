from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_postgres import FakeServer, FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import copy_progress
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.copy_progress import CopiedRows
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.dump_process import DumpProcess

TABLES = {"public.a": {"rows": 100}, '"S p"."T ""x"""': {"rows": 20}, "public.z": {"rows": 3}}


def heard(copied: CopiedRows, *lines: str) -> CopiedRows:
    """Let a program say something."""
    for line in lines:
        copied.read_line(line)
    return copied


def running(rows: int, relid: int = 1, pid: int = 7) -> dict[str, int]:
    """Return what the server says of a table that is copied."""
    return {"pid": pid, "relid": relid, "rows": rows}


def test_tables_that_are_through_count_whole_and_the_last_one_as_far_as_it_is() -> None:
    copied = heard(CopiedRows(TABLES, 123), "pg_restore: connecting to database for restore")
    assert copied.rows([]) == 0
    heard(copied, 'pg_restore: creating TABLE "public.a"', 'pg_restore: processing data for table "S p.T "x""')
    assert copied.rows([running(5)]) == 5
    heard(copied, 'pg_restore: processing data for table "public.a"')
    assert copied.rows([running(40, 2)]) == 60
    heard(copied, 'pg_restore: processing data for table "public.z"', 'pg_restore: creating INDEX "public.a_i"')
    assert copied.rows([]) == 123


def test_rows_never_become_fewer() -> None:
    copied = heard(CopiedRows(TABLES, 123), 'pg_dump: dumping contents of table "public.a"')
    assert copied.rows([running(90)]) == 90
    heard(copied, 'pg_dump: dumping contents of table "S p.T "x""')
    assert copied.rows([running(19, 2)]) == 119
    # Between two tables the server copies none.
    assert copied.rows([]) == 119


def test_a_table_that_was_not_counted_yet_counts_as_far_as_it_was_seen() -> None:
    tables: dict[str, dict[str, t.Any]] = {}
    copied = heard(CopiedRows(tables), 'pg_dump: dumping contents of table "public.a"')
    assert copied.rows([running(90)]) == 90
    heard(copied, 'pg_dump: dumping contents of table "public.z"')
    assert copied.rows([running(1, 2)]) == 91
    tables["public.a"] = {"rows": 100}
    assert copied.rows([running(2, 2)]) == 102
    assert copied.of is None


def test_there_are_never_more_than_there_are() -> None:
    # An extension's table is in a dump, and not among those that count.
    copied = heard(CopiedRows(TABLES, 123), 'pg_dump: dumping contents of table "public.spatial_ref_sys"')
    assert copied.rows([running(5000)]) == 123


def test_several_processes_say_what_they_have_ended() -> None:
    copied = heard(
        CopiedRows(TABLES, 123, parallel=True),
        "pg_restore: launching item 3429 TABLE DATA a",
        'pg_restore: processing data for table "public.a"',
        'pg_restore: processing data for table "S p.T "x""',
    )
    assert copied.rows([running(50), running(7, 2, 8)]) == 57
    heard(copied, 'pg_restore: finished item 3430 TABLE DATA T "x"', "pg_restore: launching item 3 CONSTRAINT z z_pkey")
    assert copied.rows([running(60)]) == 80
    heard(copied, "pg_restore: finished item 3429 TABLE DATA a")
    assert copied.rows([]) == 120


def test_names_as_the_programs_write_them() -> None:
    assert copy_progress.unquoted("public.a") == "public.a"
    assert copy_progress.unquoted('"S p"."T ""x"""') == 'S p.T "x"'


BEGINS = """echo 'pg_dump: dumping contents of table "public.a"' >&2; printf 'pg_dump: dump' >&2; exec sleep 60"""


@pytest.fixture
def amounts(monkeypatch: pytest.MonkeyPatch) -> list[progress.Amount]:
    """Return the list of reports; the work continues when something is in it."""
    found: list[progress.Amount] = []

    def telling(folder: Path, step: str, look: t.Callable[[], progress.Amount]) -> t.Any:
        class Here:
            def __enter__(self) -> None:
                while len(found) < 2 or found[-1] == (0, 123):
                    found.append(look())

            def __exit__(self, *dummy: object) -> None:
                pass

        return Here()

    monkeypatch.setattr(progress, "report_progress", telling)
    return found


def test_program_and_server_are_asked(tmp_path: Path, amounts: list[progress.Amount]) -> None:
    session = FakeSession({"pg_stat_progress_copy": [running(30)]})
    server = FakeServer(postgres=session)
    copied = CopiedRows(TABLES, 123)
    with (
        DumpProcess(["sh", "-c", BEGINS], "pg_dump") as program,
        copy_progress.follow_copy(tmp_path, "dump", t.cast("t.Any", server), copied, program),
    ):
        pass
    assert amounts[-1] == (30, 123)
    assert all("application_name = 'po_shop_prod_backup-1'" in one for one in session.statements)


def test_a_server_that_has_no_such_view_is_asked_once(tmp_path: Path, amounts: list[progress.Amount]) -> None:
    session = FakeSession(errors={"pg_stat_progress_copy": "42P01"})
    server = FakeServer(postgres=session)
    copied = heard(CopiedRows(TABLES, 123), *(f'pg_dump: dumping contents of table "public.{one}"' for one in "zb"))
    with (
        DumpProcess(["sleep", "60"], "pg_dump") as program,
        copy_progress.follow_copy(tmp_path, "dump", t.cast("t.Any", server), copied, program),
    ):
        pass
    assert amounts == [(3, 123), (3, 123)]
    assert len(session.statements) == 1
