from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.release.job_log import shorten

NUMBERS = "import sys\nfor n in range(int(sys.argv[1])): print(n)"


def test_a_short_log_is_kept_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "job-1.log"
    log.write_bytes(b"one\ntwo\n")
    shorten(log, longest=8, kept=4)
    assert log.read_bytes() == b"one\ntwo\n"


def test_a_long_log_keeps_its_end_from_a_whole_line_on(tmp_path: Path) -> None:
    log = tmp_path / "job-1.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    size = log.stat().st_size
    shorten(log, longest=500, kept=20)
    assert (
        log.read_text()
        == f"[{size - 16} bytes before this line were left out: a log has at most 500]\nline 98\nline 99\n"
    )


def test_a_single_long_line_keeps_its_end(tmp_path: Path) -> None:
    log = tmp_path / "job-1.log"
    log.write_bytes(b"x" * 1000)
    shorten(log, longest=500, kept=20)
    assert log.read_bytes().splitlines()[1] == b"x" * 20


def test_the_command_continues_at_the_new_end(tmp_path: Path) -> None:
    """A log that is shortened again and again while it is written has the last line, and stays short."""
    log = tmp_path / "job-1.log"
    with log.open("ab") as output:
        command = subprocess.Popen([sys.executable, "-c", NUMBERS, "300000"], stdout=output)
        while command.poll() is None:
            shorten(log, longest=20000, kept=10000)
    shorten(log, longest=20000, kept=10000)
    lines = log.read_text().splitlines()
    assert lines[-1] == "299999"
    assert log.stat().st_size <= 20000
