from __future__ import annotations

import contextlib
import time
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fakes import FakeEngine, FakeProxy, application, colored

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import HealthSpec, SmokeCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState, Route, StackRoutes
from ansible_collections.switchyard.stacks.plugins.module_utils.release import drain
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import confirm, health, probe
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import smoke as gates_smoke

HEALTH = HealthSpec(path="/healthz", successes=3, interval=0.01, request_timeout=1, timeout=60)
# A gate that is to fail takes this long.
SHORT = replace(HEALTH, timeout=0.3)


def target(port: int, *services: str, count: int = 1) -> probe.ColorTarget:
    routes = tuple(Route(service, port, f"{service}.example.org", "/") for service in services or ("web",))
    return probe.ColorTarget(StackRoutes("po", "prod", "shop", routes), "blue", "po-front-prod", count)


@pytest.fixture
def proxy() -> FakeProxy:
    return FakeProxy(ProxyState({"po.shop.prod": "green"}))


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine(colored("blue", 2), colored("green", 1))
    engine.written = {"po-web-prod-blue": ["booting", "no database"]}
    return engine


@contextlib.contextmanager
def answering(*statuses: int, body: str = "ok") -> Iterator[int]:
    """Serve these statuses one after the other, the last one for ever; return the port."""
    left = list(statuses)
    with application(lambda path, headers: (left.pop(0) if len(left) > 1 else left[0], {}, body)) as port:
        yield port


def through_the_proxy(*statuses: int) -> Callable[[str, str], tuple[int, str]]:
    left = list(statuses)
    return lambda color, path: (left.pop(0) if len(left) > 1 else left[0], "from the proxy")


def test_a_container_is_asked_directly(engine: FakeEngine) -> None:
    with answering(200, body="hello") as port:
        answer = probe.probe_container("127.0.0.1", port, "web.example.org", "/healthz", 1)
    assert (answer.status, answer.body) == (200, "hello")
    assert str(answer) == f"GET http://127.0.0.1:{port}/healthz: 200 from the container: hello"


def test_nobody_there_is_an_answer_that_says_why() -> None:
    with answering(200) as port:
        pass
    answer = probe.probe_container("127.0.0.1", port, "web.example.org", "/", 1)
    assert answer.status is None
    assert "ConnectionRefusedError" in str(answer)


def test_a_proxy_that_does_not_answer_is_an_answer_that_says_why(proxy: FakeProxy) -> None:
    def refuse(color: str, path: str) -> t.NoReturn:
        raise ConnectionResetError("reset")

    proxy.answer = refuse
    answer = probe.probe_via_proxy(proxy, "web.example.org", "/", "blue", 1)
    assert str(answer) == "GET http://web.example.org/ (only blue): ConnectionResetError: reset"


def test_health_holds_after_the_good_answers_in_a_row(engine: FakeEngine, proxy: FakeProxy) -> None:
    with answering(503, 503, 200) as port:
        seconds = health.wait_until_healthy(engine, proxy, target(port), {"web": HEALTH})
    assert 0 < seconds < HEALTH.timeout
    assert proxy.asked == [("web.example.org", "/healthz", "blue")] * 3
    assert proxy.aimed == [("blue", {"web": "127.0.0.1"})]


def test_every_service_has_to_be_healthy(engine: FakeEngine, proxy: FakeProxy) -> None:
    engine.start(colored("blue", 2, service="api"))
    with answering(200) as port:
        health.wait_until_healthy(engine, proxy, target(port, "web", "api", count=2), {"web": HEALTH, "api": HEALTH})
    assert {host for host, _path, _color in proxy.asked} == {"web.example.org", "api.example.org"}


def test_a_server_that_flaps_never_passes(engine: FakeEngine, proxy: FakeProxy) -> None:
    proxy.answer = through_the_proxy(*[200, 200, 500] * 100)
    with answering(200) as port, pytest.raises(SwitchyardError, match=r"not healthy after 0\.3 s"):
        health.wait_until_healthy(engine, proxy, target(port), {"web": SHORT})


def test_good_answers_count_from_the_last_bad_one(engine: FakeEngine, proxy: FakeProxy) -> None:
    proxy.answer = through_the_proxy(200, 200, 500, 200)
    with answering(200) as port:
        health.wait_until_healthy(engine, proxy, target(port), {"web": HEALTH})
    assert len(proxy.asked) == 6


def test_a_container_that_got_another_address_is_aimed_at_again(engine: FakeEngine, proxy: FakeProxy) -> None:
    proxy.answer = through_the_proxy(200, 500, 200)
    asked = []

    def answer(path: str, headers: t.Any) -> tuple[int, dict[str, str], str]:
        asked.append(path)
        engine.start(colored("blue", 2, addresses={"po-front-prod": "localhost"}))
        return 200, {}, "ok"

    with application(answer) as port:
        health.wait_until_healthy(engine, proxy, target(port), {"web": HEALTH})
    assert [aim["web"] for _color, aim in proxy.aimed] == ["127.0.0.1", "localhost"]


def test_the_message_holds_the_failing_answer_the_logs_and_the_proxys_view(
    engine: FakeEngine, proxy: FakeProxy
) -> None:
    with answering(500, body="no database") as port, pytest.raises(SwitchyardError) as failed:
        health.wait_until_healthy(engine, proxy, target(port), {"web": SHORT})
    assert "The health gate of shop (blue) failed: not healthy after 0.3 s" in str(failed.value)
    assert f"GET http://127.0.0.1:{port}/healthz: 500 from the container: no database" in str(failed.value)
    assert failed.value.details["logs"] == {"po-web-prod-blue": ["booting", "no database"]}
    assert failed.value.details["proxy"] == {"po.shop.prod_web_blue/web1": {"status": "UP", "in_flight": 0}}
    # The proxy was never asked to send a request to what does not answer by itself.
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "exited", "exit_code": 3}, "po-web-prod-blue ended (exit code 3, 0 restarts)"),
        ({"restarts": 3}, "po-web-prod-blue ended (exit code 0, 3 restarts)"),
        ({"health": "unhealthy"}, "po-web-prod-blue is unhealthy, says its own health check"),
    ],
)
def test_a_container_that_cannot_become_healthy_ends_the_wait(
    engine: FakeEngine, proxy: FakeProxy, changes: dict[str, t.Any], why: str
) -> None:
    engine.start(replace(colored("blue", 2), **changes))
    with answering(500) as port, pytest.raises(SwitchyardError) as failed:
        health.wait_until_healthy(engine, proxy, target(port), {"web": HEALTH})
    assert why in str(failed.value)
    assert failed.value.details["logs"]["po-web-prod-blue"] == ["booting", "no database"]


def test_a_container_that_is_missing_ends_the_wait(engine: FakeEngine, proxy: FakeProxy) -> None:
    with answering(200) as port, pytest.raises(SwitchyardError, match="only 1 of its 2 containers are there"):
        health.wait_until_healthy(engine, proxy, target(port, count=2), {"web": HEALTH})


def test_good_answers_of_another_color_do_not_count(engine: FakeEngine, proxy: FakeProxy) -> None:
    proxy.ignores_the_wish = True
    with answering(200) as port, pytest.raises(SwitchyardError, match=r"Last answer: .* 200 from green"):
        health.wait_until_healthy(engine, proxy, target(port), {"web": SHORT})
    with pytest.raises(SwitchyardError, match=r"wanted 200 from blue. Last answer: .* 200 from green"):
        gates_smoke.run_smoke_checks(engine, proxy, target(80), [smoke()])


def smoke(**changes: t.Any) -> SmokeCheck:
    return SmokeCheck(request_timeout=1, **changes)


def test_smoke_asks_this_color_what_the_inventory_says(engine: FakeEngine, proxy: FakeProxy) -> None:
    proxy.answer = lambda color, path: (302, "") if path == "/admin" else (200, "Welcome to the shop")
    checks = [smoke(contains="the shop"), smoke(path="/admin", status=302, host="other.example.org")]
    gates_smoke.run_smoke_checks(engine, proxy, target(80), checks)
    assert proxy.asked == [("web.example.org", "/", "blue"), ("other.example.org", "/admin", "blue")]


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (smoke(contains="Bookings"), "the answer does not contain 'Bookings'"),
        (smoke(status=204), "wanted 204 from blue"),
    ],
)
def test_smoke_fails_with_the_answer(engine: FakeEngine, proxy: FakeProxy, check: SmokeCheck, why: str) -> None:
    with pytest.raises(SwitchyardError) as failed:
        gates_smoke.run_smoke_checks(engine, proxy, target(80), [check])
    assert f"The smoke gate of shop (blue) failed: {why}" in str(failed.value)
    assert "GET http://web.example.org/ (only blue): 200 from blue: hello from blue" in str(failed.value)
    assert failed.value.details["logs"]["po-web-prod-blue"] == ["booting", "no database"]


def test_the_proof_waits_for_every_route(proxy: FakeProxy) -> None:
    asked = []

    def answer(color: str, path: str) -> tuple[int, str]:
        asked.append(color)
        proxy.state = ProxyState({"po.shop.prod": "blue"})
        return 404, "any status proves it"

    proxy.answer = answer
    assert confirm.confirm_switch(proxy, target(80, "web", "api").routing, "blue") == 3
    assert asked == ["green", "blue", "blue"]


def test_the_proof_fails_when_another_color_goes_on_answering(proxy: FakeProxy) -> None:
    with pytest.raises(
        SwitchyardError, match=r"told to send shop to blue, but GET http://web.example.org/: 200 from green"
    ):
        confirm.confirm_switch(proxy, target(80).routing, "blue", limit=0.1)


def test_draining_ends_with_the_last_request(proxy: FakeProxy) -> None:
    proxy.busy = {"blue": [2, 1, 0], "green": [9]}
    begun = time.monotonic()
    assert drain.wait_until_drained(proxy, "po.shop.prod", "blue", 120) == 0
    assert time.monotonic() - begun < 60


def test_draining_ends_at_its_limit_and_says_what_is_left(proxy: FakeProxy) -> None:
    proxy.busy = {"blue": [4]}
    assert drain.wait_until_drained(proxy, "po.shop.prod", "blue", 0.1) == 4
    assert drain.wait_until_drained(proxy, "po.shop.prod", "blue", 0) == 4
