from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

from ansible_collections.switchyard.stacks.plugins.module_utils.release import server_process
from ansible_collections.switchyard.stacks.plugins.module_utils.release.server_process import ServerProcess

PROGRAM = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); sys.stdin.read()"


def of(process: int) -> ServerProcess:
    return replace(ServerProcess.current(), id=process, started=server_process._started(process) or 0)


def test_this_process_is_not_another_one() -> None:
    here = ServerProcess.current()
    assert here.id == os.getpid()
    assert here.started > 0
    assert not here.runs
    here.kill()


def test_a_process_is_known_by_its_start_and_the_boot() -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        process = of(other.pid)
        assert process.runs
        assert not replace(process, started=process.started + 1).runs
        assert not replace(process, boot="an earlier one").runs
        other.kill()
        # Until its parent has asked, it is a zombie.
        end = time.monotonic() + 10
        while process.runs and time.monotonic() < end:
            time.sleep(0.01)
        assert not process.runs
    assert not process.runs
    process.kill()


def test_a_process_is_killed_with_its_commands() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as other:
        assert other.stdout
        child = of(int(other.stdout.readline()))
        assert child.runs
        of(other.pid).kill()
        assert other.wait(timeout=10) == -9
        end = time.monotonic() + 10
        while child.runs and time.monotonic() < end:
            time.sleep(0.01)
        assert not child.runs
