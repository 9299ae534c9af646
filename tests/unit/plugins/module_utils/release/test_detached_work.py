from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.release import detached_work

COLLECTIONS = Path(__file__).resolve().parents[5] / ".collections"

# Works until a file exists, and notes how it ended.
MODULE = """
import os
import sys
import time
from pathlib import Path
from ansible_collections.switchyard.stacks.plugins.module_utils.release import detached_work

folder = Path(sys.argv[1])

def work():
    (folder / "process").write_text(str(os.getpid()))
    try:
        while not (folder / "go").exists():
            time.sleep(0.01)
        print("to a pipe that is closed", flush=True)
        return {"changed": True}
    except detached_work.WorkInterrupted as error:
        os.kill(os.getpid(), 15)
        return {"failed": True, "msg": str(error)}
    finally:
        (folder / "ended").write_text("whole")

print(detached_work.run_detached(work), flush=True)
"""


def wait_for(path: Path) -> str:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.01)
    raise AssertionError(f"{path} does not exist")


@contextlib.contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the module in a session of its own; its work ends with the block at the latest."""
    with subprocess.Popen(
        [sys.executable, "-c", MODULE, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(COLLECTIONS)},
        start_new_session=True,
    ) as module:
        try:
            yield module
        finally:
            (folder / "go").touch()
            module.kill()


def test_the_result_is_that_of_the_work() -> None:
    assert detached_work.run_detached(lambda: {"process": os.getpid()})["process"] != os.getpid()
    assert detached_work.run_detached(lambda: {"path": Path("/srv"), "none": None}) == {"path": "/srv", "none": None}


def test_an_unexpected_error_has_its_traceback() -> None:
    def work() -> t.NoReturn:
        raise KeyError("no-such-key")

    outcome = detached_work.run_detached(work)
    assert (outcome["failed"], outcome["msg"]) == (True, "Unexpected KeyError: 'no-such-key'")
    assert "in work" in outcome["exception"]


def test_work_that_was_killed_is_reported() -> None:
    def work() -> dict[str, t.Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    outcome = detached_work.run_detached(work)
    assert outcome["failed"]
    assert "ended without a result (signal 9). Run the same command again" in outcome["msg"]


# A test that runs without a terminal may have inherited that SIGHUP is ignored.
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_work_outlives_its_module_and_the_session(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as module:
        process = int(wait_for(tmp_path / "process"))
        os.killpg(module.pid, number)
        assert module.wait(timeout=10) == -number
        # What sudo does to a command whose terminal is gone.
        os.kill(process, signal.SIGHUP)
        assert module.stdout
        assert module.stdout.read() == ""
        assert not (tmp_path / "ended").exists()
        (tmp_path / "go").touch()
        assert wait_for(tmp_path / "ended") == "whole"


def test_a_termination_interrupts_the_work_once(tmp_path: Path) -> None:
    with started(tmp_path) as module:
        os.kill(int(wait_for(tmp_path / "process")), signal.SIGTERM)
        assert module.stdout
        answer = json.loads(module.stdout.read().replace("'", '"').replace("True", "true"))
        assert answer == {"failed": True, "msg": "The release was asked to end."}
        assert (tmp_path / "ended").exists()


def test_only_detached_work_ignores_an_interruption() -> None:
    before = signal.getsignal(signal.SIGTERM)
    detached_work.ignore_interruption()
    assert signal.getsignal(signal.SIGTERM) == before
