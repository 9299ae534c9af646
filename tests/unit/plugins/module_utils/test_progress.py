from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.progress import Progress


def shown(*lines: Progress | str, now: int = 1000) -> str:
    """Return what the server answers: the files, and its time below them."""
    return "\n".join([*(one if isinstance(one, str) else json.dumps(asdict(one)) for one in lines), str(now), ""])


def test_rows_with_their_rate() -> None:
    before = Progress("verify", 900.0, 995.0, 790_000, 4_100_000)
    now = Progress("verify", 900.0, 1000.0, 1_250_000, 4_100_000)
    assert progress.line("bookings", "prod", now, before) == (
        "bookings (prod): verifying the backup: 1,250,000 of 4,100,000 rows, 92,000 rows/s"
    )


@pytest.mark.parametrize(
    ("reported", "line"),
    [
        (Progress("dump", 990.0, 1000.0, 500), "dumping: 500 rows, 50 rows/s"),
        (Progress("compare", 965.0, 1000.0, 0, 500), "comparing with the backup: 0 of 500 rows, 35 s"),
        (
            Progress("restore", 948.0, 1000.0, 500, 500),
            "restoring: all 500 rows, now indexes and constraints, 52 s",
        ),
        (
            Progress("checksum", 990.0, 1000.0, 2_560 * 2**20, 12 * 2**30, "bytes"),
            "checksumming the dump: 2.5 GiB of 12.0 GiB, 256 MiB/s",
        ),
        (
            Progress("checksum", 9.0, 19.0, 40 * 2**20, 2**29, "bytes"),
            "checksumming the dump: 40 MiB of 512 MiB, 4 MiB/s",
        ),
        (Progress("migrate", 965.0, 1000.0), "migrating: 35 s"),
        (
            Progress("lock", 965.0, 1000.0, detail="ann@laptop, step migrate"),
            "waiting for another run: ann@laptop, step migrate, 35 s",
        ),
        (
            Progress("build", 965.0, 1000.0, detail="[web 3/6] RUN pip install"),
            "building images: [web 3/6] RUN pip install, 35 s",
        ),
        (
            Progress("rehearse", 965.0, 1000.0, None, 1200),
            "rehearsing the migration: 35 s, the database has 1,200 rows",
        ),
    ],
)
def test_a_line_has_what_is_known_and_no_more(reported: Progress, line: str) -> None:
    assert progress.line("shop", "one", reported) == f"shop (one): {line}"


def test_the_rate_is_of_this_step_and_never_negative() -> None:
    now = Progress("compare", 990.0, 1000.0, 500, 900)
    assert progress.rate(now, Progress("verify", 900.0, 995.0, 900, 900)) == 50
    assert progress.rate(now, Progress("compare", 990.0, 998.0, 400, 900)) == 50
    # Asked twice in one second, or by a clock that was set back
    assert progress.rate(now, now) == 50
    assert progress.rate(now, Progress("compare", 990.0, 998.0, 600, 900)) == 0
    assert progress.rate(Progress("dump", 1000.0, 1000.0, 0)) == 0


def test_lines_come_seldom_in_a_step_of_hours() -> None:
    assert [progress.pause(passed, 5.0) for passed in (0, 60, 120, 7200)] == [5.0, 5.0, 10.0, 30.0]
    assert progress.pause(0, 0.5) == 0.5


def test_the_first_file_that_is_whole_and_new_counts() -> None:
    old, fresh = Progress("dump", 900.0, 980.0, 5), Progress("migrate", 900.0, 999.0)
    assert progress.read(shown(fresh)) == fresh
    assert progress.read(shown(old, fresh)) == fresh
    assert progress.read(shown(old)) is None
    # The time of the server is unknown.
    assert progress.read(json.dumps(asdict(fresh))) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "cat: /x: Permission denied",
        '{"step": "dump", "started',
        "[]",
        "{}",
        json.dumps({**asdict(Progress("format the disk", 900.0, 1000.0))}),
        json.dumps({**asdict(Progress("dump", 900.0, 1000.0, unit="tables"))}),
    ],
)
def test_a_line_of_another_program_is_nothing(line: str) -> None:
    assert progress.read(shown(line)) is None


def test_how_far_a_file_was_read_does_not_move_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"x" * 100_000)
    with path.open("rb", buffering=4096) as file:
        assert progress.read_so_far(file) == (0, 100_000)
        assert len(file.read(50_000)) == 50_000
        done, of = progress.read_so_far(file)
        assert done is not None
        assert 50_000 <= done < 60_000
        assert of == 100_000
        assert len(file.read()) == 50_000


def until_there(path: Path) -> Progress:
    """Return the progress in a file, as soon as it is there."""
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until, "nothing was written"
        time.sleep(0.01)
    return Progress(**json.loads(path.read_text()))


def test_long_work_writes_its_progress_for_root_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    path = tmp_path / progress.NAME
    with progress.report_progress(tmp_path, "verify", lambda: (3, 9)):
        reported = until_there(path)
        assert path.stat().st_mode & 0o777 == 0o600
    assert (reported.step, reported.done, reported.of, reported.unit) == ("verify", 3, 9, "rows")
    assert abs(time.time() - reported.at) < 60
    assert list(tmp_path.iterdir()) == []


def test_short_work_writes_nothing_and_asks_nothing(tmp_path: Path) -> None:
    asked = []
    begun = time.monotonic()
    with progress.report_progress(tmp_path, "verify", lambda: (asked.append(1), None)):  # type: ignore[arg-type,return-value]
        assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - begun < progress.AFTER
    assert asked == []


def test_what_a_killed_run_left_is_gone_after_the_next_one(tmp_path: Path) -> None:
    (tmp_path / progress.NAME).write_text("{}")
    with progress.report_progress(tmp_path, "dump"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_progress_that_cannot_be_written_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    looked = threading.Event()

    def look() -> progress.Amount:
        looked.set()
        raise ValueError("the server is gone")

    with progress.report_progress(tmp_path, "dump", look):
        assert looked.wait(30)
    with progress.report_progress(tmp_path / "nowhere", "dump"):
        pass


def test_an_error_of_the_work_is_the_one_that_is_seen(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"), progress.report_progress(tmp_path, "dump"):
        raise KeyError("mine")


def test_runs_that_wait_have_files_of_their_own(tmp_path: Path) -> None:
    assert progress.waiting_name("runner 7/x.example", 12) == "runner_7_x_example-12.progress.json"
    new, old, own = (tmp_path / name for name in ("a-1.progress.json", "b-2.progress.json", progress.NAME))
    for path in (new, old, own):
        path.write_text("{}")
    for path in (old, own):
        os.utime(path, (0, 0))
    progress.remove_stale(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, own.name]
