from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fakes_lock import KILLED, running_process, worked_at_by

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import LockHeld, LockLost
from ansible_collections.switchyard.stacks.plugins.module_utils.release import lock as release_lock
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import (
    MARGIN,
    ReleaseLock,
)

COLLECTIONS = Path(__file__).resolve().parents[5] / ".collections"


class Clock:
    """A clock that a test puts forward."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(tmp_path: Path, clock: Clock) -> ReleaseLock:
    return ReleaseLock(tmp_path, "shop (prod)", clock)


def idle() -> None:
    return None


def test_a_second_user_is_refused_at_once_with_the_holders_name(lock: ReleaseLock, clock: Clock) -> None:
    lock.take("ann@laptop", "prepare", idle)
    clock.time += 10
    with pytest.raises(LockHeld) as refused:
        lock.take("bob@desk", "prepare", idle)
    assert str(refused.value) == (
        "shop (prod) is being released by ann@laptop since 2023-11-14 22:13:20 UTC (for 10 s, step: prepare). "
        "Wait until that is done, or add -e lock_wait=600; if it died, its lock expires in 50 s. "
        "unlock.yml shows what of it still runs."
    )
    assert refused.value.details["lock"]["holder"] == "ann@laptop"
    held = lock.state()
    assert held
    assert held.holder == "ann@laptop"


def test_a_stale_lock_is_taken_over_with_a_higher_token(lock: ReleaseLock, clock: Clock) -> None:
    first = lock.take("ann", "prepare", idle)
    clock.time += MARGIN + 1
    assert lock.take("bob", "prepare", idle).token > first.token


def test_it_is_not_taken_over_while_something_of_it_runs(lock: ReleaseLock, clock: Clock) -> None:
    lock.take("ann", "migrate", idle)
    clock.time += MARGIN + 1
    with pytest.raises(LockHeld, match=r"po_shop_prod_jobs-1-1 still runs.*'docker stop po_shop_prod_jobs-1-1'"):
        lock.take("bob", "prepare", lambda: "po_shop_prod_jobs-1-1")


def test_the_lock_of_a_holder_that_is_gone_is_taken_over_at_once(lock: ReleaseLock) -> None:
    first = lock.take("ann", "prepare", idle)
    assert lock.take("bob", "prepare", idle, stale_token=first.token).holder == "bob"


def test_but_not_while_something_of_it_runs(lock: ReleaseLock) -> None:
    first = lock.take("ann", "prepare", idle)
    with pytest.raises(LockHeld, match="still runs"):
        lock.take("bob", "prepare", lambda: "a-job", stale_token=first.token)


def test_what_a_lost_controller_has_begun_here_may_end(lock: ReleaseLock, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lock.take("ann", "migrate", idle)
    worked_at_by(lock, running_process())
    monkeypatch.setattr(release_lock, "RETRY_EVERY", 0.01)
    monkeypatch.setattr(release_lock, "MARGIN", 0.1)
    ends = threading.Timer(0.2, lambda: worked_at_by(lock, KILLED))
    ends.start()
    assert lock.take("bob", "prepare", idle, stale_token=first.token).token == first.token + 1
    ends.join()


def test_a_run_whose_process_was_killed_here_has_lost_its_lock_at_once(lock: ReleaseLock) -> None:
    lock.take("ann", "migrate", idle)
    dead = worked_at_by(lock, KILLED)
    assert (dead.was_killed(), dead.is_stale(0.0)) == (True, True)
    lock.assert_free()
    assert lock.take("bob", "prepare", idle).holder == "bob"


def test_a_run_waits_as_long_as_it_may(lock: ReleaseLock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_lock, "RETRY_EVERY", 0.01)
    first = lock.take("ann", "prepare", idle)
    with pytest.raises(LockHeld, match="by ann"):
        lock.take("bob", "prepare", idle, wait=0.05)
    ends = threading.Timer(0.2, lambda: lock.release(first.token))
    ends.start()
    assert lock.take("bob", "prepare", idle, wait=60).token == first.token + 1
    ends.join()


def test_a_lock_is_taken_away_from_the_one_that_was_seen(lock: ReleaseLock) -> None:
    first = lock.take("ann", "prepare", idle)
    lock.take_away(first.token)
    assert lock.state() is None
    with pytest.raises(LockLost):
        lock.renew(first.token, "switch")
    second = lock.take("bob", "prepare", idle)
    assert second.token == first.token + 1
    with pytest.raises(LockHeld, match=r"by bob .*took the lock in the meantime\. Nothing was changed"):
        lock.take_away(first.token)
    lock.release(second.token)
    lock.take_away(second.token)


LEAVE = """
import sys
from pathlib import Path
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import ReleaseLock
lock = ReleaseLock(Path(sys.argv[1]), "shop")
token = lock.take("ann", "prepare", lambda: None).token
lock.renew(token, "migrate", 900)
print("works", flush=True)
sys.exit(int(sys.stdin.readline()))
"""


@pytest.mark.parametrize("how", ["0", "1", "killed"])
def test_a_module_that_ends_is_not_one_that_was_killed(tmp_path: Path, how: str) -> None:
    module = subprocess.Popen(
        [sys.executable, "-c", LEAVE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(COLLECTIONS)},
    )
    assert module.stdout
    assert module.stdout.readline() == "works\n"
    lock = ReleaseLock(tmp_path, "shop")
    working = lock.state()
    assert working
    assert (working.works(), working.server_process and working.server_process.id) == (True, module.pid)
    if how == "killed":
        module.kill()
    module.communicate("" if how == "killed" else f"{how}\n", timeout=10)
    ended = lock.state()
    assert ended
    assert (ended.step, ended.was_killed(), ended.until) == ("migrate", how == "killed", working.until)


def test_a_retired_stack_gets_no_file_back(lock: ReleaseLock) -> None:
    token = lock.take("ann", "retire", idle).token
    lock.path.unlink()
    lock.guard.unlink()
    lock._leave(token)
    assert list(lock.path.parent.iterdir()) == []


def test_a_holder_that_was_gone_is_not_the_one_that_holds_now(lock: ReleaseLock) -> None:
    first = lock.take("ann", "prepare", idle)
    lock.take("bob", "prepare", idle, stale_token=first.token)
    with pytest.raises(LockHeld, match="bob"):
        lock.take("eve", "prepare", idle, stale_token=first.token)


def test_only_a_lock_that_is_not_stale_is_in_the_way(lock: ReleaseLock, clock: Clock) -> None:
    lock.assert_free()
    lock.take("ann", "prepare", idle)
    with pytest.raises(LockHeld, match=r"released by ann since .* Try later\.") as refused:
        lock.assert_free("Try later.")
    assert refused.value.details["lock"]["holder"] == "ann"
    clock.time += MARGIN + 1
    lock.assert_free()


def test_renewing_holds_it_for_the_step_and_a_margin(lock: ReleaseLock, clock: Clock) -> None:
    token = lock.take("ann", "prepare", idle).token
    renewed = lock.renew(token, "migrate", 900)
    assert (renewed.step, renewed.since, renewed.until) == ("migrate", clock.time, clock.time + 900 + MARGIN)
    clock.time += 900
    with pytest.raises(LockHeld, match=r"step: migrate"):
        lock.take("bob", "prepare", idle)


def test_a_release_that_was_overtaken_can_do_no_more(lock: ReleaseLock, clock: Clock) -> None:
    old = lock.take("ann", "prepare", idle).token
    clock.time += MARGIN + 1
    lock.take("bob", "prepare", idle)
    for late in (lambda: lock.renew(old, "switch"), lambda: lock.release(old)):
        with pytest.raises(LockLost, match=f"lost its lock .token {old}.: .* by bob"):
            late()
    held = lock.state()
    assert held
    assert held.holder == "bob"


def test_a_lock_that_was_given_back_is_free_and_its_token_spent(lock: ReleaseLock) -> None:
    token = lock.take("ann", "prepare", idle).token
    lock.release(token)
    assert lock.state() is None
    with pytest.raises(LockLost, match="no release of shop"):
        lock.renew(token, "switch")
    assert lock.take("bob", "prepare", idle).token == token + 1


def test_a_stack_that_was_never_released_is_free(tmp_path: Path) -> None:
    assert ReleaseLock(tmp_path / "no" / "folder", "shop").state() is None


TAKE = """
import sys
import time
from pathlib import Path
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import ReleaseLock
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
print("ready", flush=True)
sys.stdin.readline()
try:
    ReleaseLock(Path(sys.argv[1]), "shop").take(sys.argv[2], "prepare", lambda: None)
    print("taken")
except SwitchyardError as error:
    print(error)
"""


def test_of_two_processes_at_the_same_time_one_gets_it(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(COLLECTIONS)},
        )
        for name in ("ann", "bob")
    ]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("\n")
        racer.stdin.flush()
    reported = sorted(racer.communicate(timeout=10)[0].strip() for racer in racers)
    assert reported[1] == "taken"
    assert reported[0].startswith(("shop is being released by ann", "shop is being released by bob"))


def test_a_step_of_any_length_keeps_the_lock(lock: ReleaseLock, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_lock, "RENEW_EVERY", 0.01)
    token = lock.take("ann", "prepare", idle).token
    with lock.renewed(token, "backup"):
        clock.time += 50
        wanted = clock.time + MARGIN
        end = time.monotonic() + 10
        while time.monotonic() < end and until(lock) < wanted:
            time.sleep(0.01)
    assert until(lock) == wanted


def until(lock: ReleaseLock) -> float:
    held = lock.state()
    assert held
    return held.until


def test_a_step_of_any_length_does_not_begin_without_the_lock(lock: ReleaseLock) -> None:
    with pytest.raises(LockLost, match="lost its lock"), lock.renewed(7, "backup"):
        pass
