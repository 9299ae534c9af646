from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from fakes import Machine, container

from ansible_collections.switchyard.stacks.plugins.module_utils import progress, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import LockHeld
from ansible_collections.switchyard.stacks.plugins.module_utils.release import lock as release_lock
from ansible_collections.switchyard.stacks.plugins.module_utils.release import server_process
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import LockFile
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock_takeover import take_lock


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_lock, "RETRY_EVERY", 0.01)


def held_by(machine: Machine, process: int, seconds: float = 60) -> int:
    """Let another process of this server hold the lock; return the token."""
    token = machine.lock("bob@desk")
    lock = machine.ctx.lock.state()
    assert lock
    other = replace(server_process.ServerProcess.current(), id=process, started=server_process._started(process) or 0)
    lock = replace(lock, server_process=other, until=time.time() + seconds)
    state_file.save(machine.ctx.lock.path, LockFile(token, lock))
    return token


def test_a_run_waits_while_the_process_of_the_interrupted_one_works(machine: Machine) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        token = held_by(machine, other.pid)
        ending = threading.Timer(0.3, other.kill)
        ending.start()
        begin = time.monotonic()
        assert take_lock(machine.ctx, "ann@laptop", token) == token + 1
        assert time.monotonic() - begin >= 0.3
        ending.join()


def test_another_users_run_is_refused_at_once(machine: Machine) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        held_by(machine, other.pid)
        with pytest.raises(LockHeld, match="released by bob@desk"):
            take_lock(machine.ctx, "ann@laptop", None)
        other.kill()


def test_a_process_that_hangs_beyond_its_lock_is_killed(machine: Machine) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        token = held_by(machine, other.pid, -1)
        assert take_lock(machine.ctx, "ann@laptop", None) == token + 1
        assert other.wait(timeout=10) == -9


def test_the_lock_names_the_process_that_holds_it(machine: Machine) -> None:
    process = release_lock.ControllerProcess("ann", "laptop", 4711)
    take_lock(machine.ctx, "ann@laptop", None, process)
    lock = machine.ctx.lock.state()
    assert lock
    assert (lock.process, lock.server_process) == (process, server_process.ServerProcess.current())


def test_the_jobs_of_an_interrupted_run_are_removed(machine: Machine) -> None:
    machine.engine.start(container("po_shop_prod_jobs-1-1", labels={"role": "job"}))
    take_lock(machine.ctx, "ann@laptop", machine.lock("bob@desk"))
    assert machine.engine.removed == ["po_shop_prod_jobs-1-1"]


def test_a_run_that_waits_reports_for_whom_in_a_file_of_its_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    token = machine.lock("ann@laptop")
    process = release_lock.ControllerProcess("bob", "desk.example", 7)
    report = machine.ctx.folder / "desk_example-7.progress.json"
    left = machine.ctx.folder / "other-8.progress.json"
    left.write_text("{}")
    os.utime(left, (0, 0))
    seen: list[str] = []

    def end() -> None:
        until = time.monotonic() + 30
        while not seen and time.monotonic() < until:
            seen.extend([report.read_text()] if report.exists() else [])
        machine.ctx.lock.release(token)

    ending = threading.Thread(target=end)
    ending.start()
    assert take_lock(machine.ctx, "bob@desk", None, process, wait=30) == token + 1
    ending.join()
    now = progress.read(f"{seen[0]}\n{time.time():.0f}\n")
    assert now
    line = progress.line("shop", "prod", now)
    assert line.startswith("shop (prod): waiting for another run: ann@laptop, step prepare, ")
    assert [path.name for path in machine.ctx.folder.glob("*progress*")] == []
