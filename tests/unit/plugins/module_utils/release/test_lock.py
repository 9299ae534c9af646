from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import LockHeld, LockLost
from ansible_collections.switchyard.stacks.plugins.module_utils.release import lock as release_lock
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import MARGIN, ReleaseLock


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
        "shop (prod) is being released by ann@laptop since 2023-11-14 22:13:20 UTC (step: prepare). "
        "Wait until that is done; if it died, its lock expires in 50 s."
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
    collections = Path(__file__).resolve().parents[5] / ".collections"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(collections)},
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
