"""The watch gate on every kind of proxy: real requests, a real log, containers of two colors, and the way back."""

from __future__ import annotations

import subprocess
import threading
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import raw_client
from fakes import checked
from real_proxies import APPLICATION, ENVIRONMENT, HERE, KINDS, RealProxy

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import WatchSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import GateFailed
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext, StackContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.watch import Watch, WatchResult
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack

HOST = "watched.test"
SPEC = WatchSpec(seconds=8, max_error_rate=0.01, max_p99_ms=150, min_requests=40, interval=1, consecutive_failures=2)


class Watched:
    """A stack with a release on each color; ``green`` is the new one, with variables of its own."""

    def __init__(self, proxy: RealProxy) -> None:
        self.real, self.proxy = proxy, proxy.proxy
        project = next(iter(proxy.proxy.read().live)).split(".")[0]
        self.ctx: StackContext = HostContext(proxy.proxy.folder.parent, project, ENVIRONMENT).stack("watched")
        self.ctx.folder.mkdir(parents=True)
        self.stack = checked(name="watched", routes=[{"service": "web", "port": 8000, "hosts": [HOST]}])
        self.records: dict[str, Record] = {}
        for color in names.COLORS:
            self.release(color)
        self.switch("blue")

    def release(self, color: str, *options: str) -> None:
        """Start the container of a new release on a color, with options of ``docker run``."""
        number = self.ctx.records.begin()
        record = Record(number, color, "live", "f", self.stack, "test", time.time(), containers=1)
        self.ctx.records.save(record)
        self.records[color] = record
        routing = routes_of_stack(self.stack, self.ctx.project, ENVIRONMENT, {})
        self.proxy.apply(lambda state: self.proxy.plan_routes(state, routing, color))
        name = routing.server("web", color)
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
        labels = names.labels(
            project=self.ctx.project,
            environment=ENVIRONMENT,
            stack="watched",
            color=color,
            service="web",
            role="routed",
            release=number,
        )
        network = names.front(self.ctx.project, "watched", ENVIRONMENT)
        command = ["docker", "run", "--detach", "--name", name, "--network", network]
        command += [word for label, value in labels.items() for word in ("--label", f"{label}={value}")]
        command += [*options, "--volume", f"{HERE}/echo.py:/echo.py:ro", APPLICATION, "python3", "/echo.py"]
        subprocess.run(command, check=True, capture_output=True)
        end = time.monotonic() + 30
        while self.proxy.request(HOST, "/", color)[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.1)

    def switch(self, color: str) -> None:
        """Make a color live."""
        self.proxy.apply(lambda state: self.proxy.plan_switch(state, self.ctx.key, color))

    def watch(self, spec: WatchSpec = SPEC, **options: t.Any) -> WatchResult:
        """Watch the release on green."""
        return Watch(self.ctx, self.records["green"], spec, **options).run()

    @contextmanager
    def load(self, path: str = "/version") -> Iterator[None]:
        """Send requests as users do, about forty a second."""
        done = threading.Event()

        def ask() -> None:
            while not done.wait(0.02):
                raw_client.send(self.real.http, raw_client.request(path, HOST))

        users = [threading.Thread(target=ask) for _ in range(3)]
        for user in users:
            user.start()
        try:
            yield
        finally:
            done.set()
            for user in users:
                user.join()


@pytest.fixture(scope="module")
def watched(running_proxies: dict[str, RealProxy]) -> dict[str, Watched]:
    return {kind: Watched(proxy) for kind, proxy in running_proxies.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_that_fails_five_percent_is_reverted(watched: dict[str, Watched], kind: str) -> None:
    stack = watched[kind]
    stack.switch("blue")
    stack.release("green", "--env", "FAILS=20")
    with stack.load():
        time.sleep(3)
        stack.switch("green")
        with pytest.raises(GateFailed, match=r"of its requests failed, 1\.0% are allowed") as caught:
            stack.watch()
    assert stack.proxy.read().live[stack.ctx.key] == "blue"
    details = caught.value.details
    print(f"{kind}: {caught.value.message}")
    assert details["traffic_back"]
    assert 0.02 <= details["error_rate"] <= 0.1
    assert details["noticed_seconds"] < 3 * SPEC.seconds
    assert details["back_seconds"] < 10
    assert "blue with the same requests: 0.0% of" in caught.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_release_stays(watched: dict[str, Watched], kind: str) -> None:
    stack = watched[kind]
    stack.switch("blue")
    stack.release("green")
    with stack.load():
        stack.switch("green")
        result = stack.watch(seconds=3)
    print(f"{kind}: {result.message}")
    assert (result.outcome, stack.proxy.read().live[stack.ctx.key]) == ("good", "green")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_both_colors_stays_in_a_canary(watched: dict[str, Watched], kind: str) -> None:
    stack = watched[kind]
    stack.switch("blue")
    stack.release("green")
    # A path on which the application fails, whichever color has it: as where a third party fails.
    stack.proxy.apply(lambda state: stack.proxy.plan_weight(state, stack.ctx.key, 50))
    with stack.load("/status/503"):
        result = stack.watch(canary=True, seconds=4)
    assert result.outcome == "good"
    assert result.old
    assert (result.new.share, result.old.share) == (1.0, 1.0)
    stack.proxy.apply(lambda state: stack.proxy.plan_weight(state, stack.ctx.key, 0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_both_colors_that_begins_after_the_switch_reverts_nothing(
    watched: dict[str, Watched], kind: str
) -> None:
    stack = watched[kind]
    stack.switch("blue")
    stack.release("green")
    with stack.load():
        time.sleep(3)
    stack.switch("green")
    with stack.load("/status/503"):
        result = stack.watch(seconds=4)
    print(f"{kind}: {result.message}")
    assert (result.outcome, stack.proxy.read().live[stack.ctx.key]) == ("good", "green")
    assert result.old
    assert (result.new.share, result.old.share) == (1.0, 1.0)
    assert "blue with the same requests: 100.0% of" in result.message


def test_a_slow_release(watched: dict[str, Watched]) -> None:
    stack = watched["haproxy"]
    stack.switch("blue")
    stack.release("green", "--env", "SLOW_MS=400")
    with stack.load():
        stack.switch("green")
        with pytest.raises(GateFailed, match=r"1 % of its requests took longer than [45]\d\d ms, 150 ms are allowed"):
            stack.watch()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/eat", r"was killed, it needs more memory|was restarted|ended \(exit code 137"),
        ("/eat-in-child", "a process of .* was killed, it needs more memory than its limit"),
    ],
)
def test_a_release_that_needs_too_much_memory(watched: dict[str, Watched], path: str, why: str) -> None:
    stack = watched["haproxy"]
    stack.switch("blue")
    stack.release("green", "--memory", "100m", "--memory-swap", "100m", "--restart", "always")
    stack.switch("green")
    threading.Timer(2, lambda: raw_client.send(stack.real.http, raw_client.request(path, HOST))).start()
    with pytest.raises(GateFailed, match=why):
        stack.watch()
    assert stack.proxy.read().live[stack.ctx.key] == "blue"


def test_no_traffic(watched: dict[str, Watched]) -> None:
    stack = watched["haproxy"]
    stack.switch("blue")
    stack.release("green")
    stack.switch("green")
    assert stack.watch(seconds=1).outcome == "no_data"
    with pytest.raises(GateFailed, match="0 requests in 1 s say nothing, 40 are needed"):
        stack.watch(replace(SPEC, on_no_data="fail"), seconds=1)
    assert stack.proxy.read().live[stack.ctx.key] == "blue"
    assert isinstance(stack.ctx.engine, Engine)
