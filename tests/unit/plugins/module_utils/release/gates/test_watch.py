from __future__ import annotations

import re
import time
import typing as t
from dataclasses import replace

import pytest
from fakes import HOST, Machine, colored
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import WatchSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import (
    GateFailed,
    LockHeld,
    LockLost,
    SwitchyardError,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import watch as watch_module
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.watch import Watch, WatchResult
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.watch_verdict import Figures

KEY = "po.shop.prod"
SPEC = WatchSpec(
    seconds=0.3, max_error_rate=0.01, max_p99_ms=500, min_requests=20, interval=0.04, consecutive_failures=2
)


@pytest.fixture
def switched(two_releases: Machine) -> Machine:
    """Release 2 is live on green, and release 1 runs on blue."""
    two_releases.make_live("green")
    return two_releases


def lines(count: int = 40, failed: int = 0, color: str = "green", ago: float = 0, **changes: t.Any) -> list[str]:
    at = int((time.time() - ago) * 1000)
    return [
        request_line(color=color, time=at, status=500 if number < failed else 200, **changes) for number in range(count)
    ]


def watched(
    machine: Machine, spec: WatchSpec = SPEC, number: int = 2, token: int | None = None, **options: t.Any
) -> WatchResult:
    return Watch(machine.ctx, machine.ctx.records.require(number), spec, **options).run(token)


def breach(machine: Machine, spec: WatchSpec = SPEC, **options: t.Any) -> GateFailed:
    with pytest.raises(GateFailed) as caught:
        watched(machine, spec, **options)
    assert caught.value.details["gate"] == "watch"
    return caught.value


def test_a_good_release(switched: Machine) -> None:
    switched.proxy.process.written = lines(100, ago=10, color="blue")
    switched.proxy.process.feed = lambda: lines(upstream_ms=30)
    token = switched.lock()
    result = watched(switched, token=token)
    assert (result.outcome, result.old) == ("good", Figures(100, 0, 10))
    assert result.new
    assert result.new.requests >= 40
    assert (result.new.failed, result.new.p99_ms) == (0, 30)
    assert "green: 0.0% of" in result.message
    assert "blue in comparison: 0.0% of 100" in result.message
    assert 0.3 <= result.seconds < 30
    assert switched.proxy.live() == "green"
    lock = switched.ctx.lock.state()
    assert lock
    assert lock.step == "watch"


def test_a_release_that_fails_loses_its_traffic_before_the_gate_fails(switched: Machine) -> None:
    switched.proxy.process.written = lines(100, ago=10, color="blue")
    switched.proxy.process.feed = lambda: lines(failed=2)
    error = breach(switched)
    assert switched.proxy.live() == "blue"
    assert error.message.startswith(
        "The watch gate of shop (green) failed: 5.0% of its requests failed, 1.0% are allowed."
    )
    assert re.search(r" The traffic was back \d\.\d s later\. ", error.message)
    assert re.search(r"blue with the same requests: 0\.0% of \d+ requests failed", error.message)
    details = error.details
    assert (details["traffic_back"], details["error_rate"], details["p99_ms"]) == (True, 0.05, 10)
    assert details["noticed_seconds"] < 30
    assert details["back_seconds"] < 30
    assert details["requests"] >= 20
    assert list(details["logs"]) == ["po-shop-web-prod-green"]


def test_a_slow_release(switched: Machine) -> None:
    switched.proxy.process.feed = lambda: lines(upstream_ms=900, ms=901)
    error = breach(switched, replace(SPEC, ask_old_color=False))
    assert "1 % of its requests took longer than 900 ms, 500 ms are allowed" in error.message
    assert "blue has too few to compare" in error.message
    assert switched.proxy.live() == "blue"


def test_a_fault_that_the_old_color_had_as_well_reverts_nothing(switched: Machine) -> None:
    switched.proxy.process.written = lines(200, failed=60, ago=10, color="blue", upstream_ms=3000)
    switched.proxy.process.feed = lambda: lines(40, failed=12, upstream_ms=3000)
    assert watched(switched).outcome == "good"
    assert switched.proxy.live() == "green"


def test_requests_long_before_the_watch_are_not_compared(switched: Machine) -> None:
    switched.proxy.process.written = lines(200, failed=200, ago=61, color="blue")
    switched.proxy.process.feed = lambda: lines(40, failed=12)
    assert "blue has too few to compare" in breach(switched, replace(SPEC, ask_old_color=False)).message


@pytest.mark.parametrize(("failed_of_old", "reverted"), [(10, False), (0, True)])
def test_a_canary_is_compared_with_the_same_time(two_releases: Machine, failed_of_old: int, reverted: bool) -> None:
    two_releases.proxy.state = replace(two_releases.proxy.state, weights={KEY: 25})
    # Before the canary the old color had another share.
    two_releases.proxy.process.written = lines(200, failed=0 if failed_of_old else 100, ago=10, color="blue")
    two_releases.proxy.process.feed = lambda: [*lines(40, 10), *lines(40, failed_of_old, color="blue")]
    if reverted:
        breach(two_releases, canary=True, seconds=0.5)
    else:
        assert watched(two_releases, canary=True, seconds=0.3).outcome == "good"
    assert two_releases.proxy.state.weights == ({} if reverted else {KEY: 25})
    assert two_releases.proxy.live() == "blue"


@pytest.mark.parametrize("no_data", ["pass", "pause"])
def test_too_few_requests_are_reported(switched: Machine, no_data: str) -> None:
    switched.proxy.process.written = lines(3, failed=3, ago=-30)
    result = watched(switched, replace(SPEC, on_no_data=no_data))
    assert (result.outcome, switched.proxy.live()) == ("no_data", "green")
    assert result.message == f"3 requests in 0.3 s say nothing, 20 are needed (on_no_data: {no_data})."


def test_too_few_requests_fail_where_the_stack_says_so(switched: Machine) -> None:
    error = breach(switched, replace(SPEC, on_no_data="fail"))
    assert "failed: 0 requests in 0.3 s say nothing, 20 are needed (on_no_data: fail)" in error.message
    assert switched.proxy.live() == "blue"


def test_requests_with_a_preview_key_and_those_of_the_proxy_do_not_count(switched: Machine) -> None:
    switched.proxy.process.feed = lambda: [
        *lines(40, failed=40, preview="yes"),
        *lines(40, failed=40, upstream_ms=-1, termination="LR"),
    ]
    assert watched(switched).outcome == "no_data"


def test_one_bad_look_is_not_enough(switched: Machine) -> None:
    looks = iter([40, 0, 0, 40, 0, 0, 40])
    switched.proxy.process.feed = lambda: lines(40, failed=next(looks, 0))
    assert watched(switched, seconds=2).outcome == "good"


def test_the_same_requests_count_once(switched: Machine) -> None:
    switched.proxy.process.written = lines(40, failed=40, ago=-30)
    # Without new requests there is no other look at them, and nothing that shows it to be good until the end.
    assert breach(switched).details["noticed_seconds"] >= 0.3


def test_a_failure_at_the_end_is_looked_at_again(switched: Machine) -> None:
    begin = time.monotonic()
    switched.proxy.process.feed = lambda: lines(40, failed=40 if time.monotonic() > begin + 0.29 else 0)
    error = breach(switched, replace(SPEC, interval=0.2))
    assert error.details["noticed_seconds"] >= 0.3


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"restarts": 1}, "po-shop-web-prod-green was restarted"),
        ({"oom_killed": True}, "a process of po-shop-web-prod-green was killed, it needs more memory than its limit"),
        ({"state": "exited", "exit_code": 137}, "po-shop-web-prod-green ended (exit code 137"),
        ({"health": "unhealthy"}, "po-shop-web-prod-green is unhealthy"),
    ],
)
def test_a_container_that_fails_is_enough(switched: Machine, changes: dict[str, t.Any], why: str) -> None:
    reads = []

    def feed() -> list[str]:
        reads.append(1)
        if len(reads) == 3:
            switched.engine.start(replace(colored("green", 2), **changes))
        return lines()

    switched.proxy.process.feed = feed
    error = breach(switched, replace(SPEC, seconds=30))
    assert why in error.message
    assert error.details["traffic_back"]
    assert switched.proxy.live() == "blue"


def test_a_first_release_stays(machine: Machine) -> None:
    machine.released("green")
    machine.make_live("green")
    machine.proxy.process.feed = lambda: lines(failed=40)
    result = watched(machine, number=1)
    assert result.outcome == "no_way_back"
    assert result.message.endswith("There is no release before it, so it stays live.")
    assert machine.proxy.live() == "green"


def test_an_old_color_that_does_not_run_gets_no_traffic(switched: Machine) -> None:
    switched.engine.start(replace(colored("blue", 1), state="exited"))
    switched.proxy.process.feed = lambda: lines(failed=40)
    error = breach(switched)
    assert (error.details["traffic_back"], error.details["back_seconds"]) == (False, None)
    assert switched.proxy.live() == "green"


def test_what_the_log_lost_is_reported(switched: Machine) -> None:
    switched.proxy.process.missed = True
    switched.proxy.process.feed = lambda: [*lines(), lines(1)[0][:-20]]
    message = watched(switched).message
    assert "lines of the log were removed before they were read" in message
    assert "lines of the log are broken" in message


def test_the_same_requests_are_asked_of_the_old_color(switched: Machine) -> None:
    """A third party fails since the switch, for both colors: before it the old one failed no request."""
    switched.proxy.process.written = lines(100, ago=10, color="blue")
    switched.proxy.process.feed = lambda: [*lines(20, failed=20, path="/pay"), *lines(20)]
    switched.proxy.answer = lambda color, path: (503 if path == "/pay" else 200, "hello")
    result = watched(switched)
    assert (result.outcome, switched.proxy.live()) == ("good", "green")
    assert result.old
    # How many looks of 40 requests there are depends on the machine.
    assert result.old.requests in range(40, 201, 40)
    assert result.old.share == 0.5
    assert set(switched.proxy.asked) == {(HOST, "/pay", "blue"), (HOST, "/", "blue")}


def test_an_old_color_that_answers_them_gets_the_traffic_back(switched: Machine) -> None:
    switched.proxy.process.feed = lambda: [*lines(20, failed=20, path="/pay"), *lines(20)]
    error = breach(switched)
    assert "blue with the same requests: 0.0% of" in error.message
    assert (error.details["error_rate"], switched.proxy.live()) == (0.5, "blue")


def test_the_old_color_is_not_asked_where_the_stack_says_so(switched: Machine) -> None:
    switched.proxy.process.feed = lambda: lines(40, failed=40)
    switched.proxy.answer = lambda color, path: (503, "hello")
    breach(switched, replace(SPEC, ask_old_color=False))
    assert [request for request in switched.proxy.asked if request[2]] == []


def test_requests_before_the_watch_runs_count(switched: Machine) -> None:
    """The workers are replaced between the switch and the watch."""
    made = Watch(switched.ctx, switched.ctx.records.require(2), SPEC)
    switched.proxy.process.written = lines(40, failed=40, ago=-30)
    time.sleep(0.05)
    with pytest.raises(GateFailed):
        made.run()


def test_a_lock_that_is_lost_leaves_the_traffic_alone(switched: Machine) -> None:
    token = switched.lock()
    reads = []

    def feed() -> list[str]:
        reads.append(1)
        if len(reads) == 2:
            switched.ctx.lock.take("bob@desk", "prepare", lambda: None, stale_token=token)
        return lines(40, failed=40)

    switched.proxy.process.feed = feed
    with pytest.raises(LockLost):
        watched(switched, token=token)
    assert switched.proxy.live() == "green"


def test_a_watch_without_a_token_is_refused_while_a_release_runs(switched: Machine) -> None:
    switched.lock("bob@desk")
    with pytest.raises(LockHeld, match="bob@desk"):
        watched(switched)


def test_an_engine_that_restarts_fails_no_release(switched: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    containers = switched.engine.containers

    def sometimes(**labels: str) -> t.Any:
        calls.append(1)
        if len(calls) in (3, 4):
            raise OSError("Connection refused")
        return containers(**labels)

    monkeypatch.setattr(switched.engine, "containers", sometimes)
    switched.proxy.process.feed = lines
    assert watched(switched).outcome == "good"
    monkeypatch.setattr(watch_module, "ENGINE_PATIENCE", -1.0)
    calls.clear()
    with pytest.raises(OSError, match="refused"):
        watched(switched)


def test_a_log_that_cannot_be_read_has_no_requests(switched: Machine) -> None:
    switched.proxy.process.broken = SwitchyardError("The log of the proxy cannot be read.", hint="Run setup.yml.")
    result = watched(switched)
    assert (result.outcome, switched.proxy.live()) == ("no_data", "green")
    assert result.message.endswith("(on_no_data: pass). The log of the proxy cannot be read. Run setup.yml.")
    assert "cannot be read" in breach(switched, replace(SPEC, on_no_data="fail")).message


def test_what_the_screen_shows_until_the_end(switched: Machine) -> None:
    switched.proxy.process.feed = lambda: lines(20, failed=1)
    made = Watch(switched.ctx, switched.ctx.records.require(2), replace(SPEC, max_error_rate=0.5))
    made.run()
    assert re.fullmatch(r"5\.0% of \d+ requests failed, p99 10 ms, for 0\.3 s", made.shown)
