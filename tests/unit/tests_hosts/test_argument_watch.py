"""The watch sees texts in the arguments of processes, and finds none in its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import argument_watch


def test_a_text_that_a_process_has_is_seen_and_another_one_is_not(tmp_path: Path) -> None:
    end = tmp_path / "end"
    program = [sys.executable, argument_watch.__file__, str(end)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdin
        watch.stdin.write("an-argument-of-this-test\na-secret-of-this-test\n")
        watch.stdin.close()
        watch.stdin = None
        time.sleep(0.1)
        subprocess.run(["sh", "-c", "sleep 1; true", "an-argument-of-this-test"], check=True)
        end.touch()
        output, _errors = watch.communicate(timeout=30)
    assert output.split() == ["an-argument-of-this-test"]
