from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import FakeEngine, FakeProxy, application, colored
from fakes_gates import answering, target, through_the_proxy

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import HealthSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import health

HEALTH = HealthSpec(path="/healthz", successes=3, interval=0.01, request_timeout=1, timeout=60)
# A gate that is to fail takes this long.
SHORT = replace(HEALTH, timeout=0.3)


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
        engine.start(colored("blue", 2, addresses={"po-shop-prod.front": "localhost"}))
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
    assert failed.value.details["logs"] == {"po-shop-web-prod-blue": ["booting", "no database"]}
    assert failed.value.details["proxy"] == {"po.shop.prod_web_blue/web1": {"status": "UP", "in_flight": 0}}
    # The proxy was never asked to send a request to what does not answer by itself.
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "exited", "exit_code": 3}, "po-shop-web-prod-blue ended (exit code 3, 0 restarts)"),
        ({"restarts": 3}, "po-shop-web-prod-blue ended (exit code 0, 3 restarts)"),
        ({"health": "unhealthy"}, "po-shop-web-prod-blue is unhealthy, says its own health check"),
    ],
)
def test_a_container_that_cannot_become_healthy_ends_the_wait(
    engine: FakeEngine, proxy: FakeProxy, changes: dict[str, t.Any], why: str
) -> None:
    engine.start(replace(colored("blue", 2), **changes))
    with answering(500) as port, pytest.raises(SwitchyardError) as failed:
        health.wait_until_healthy(engine, proxy, target(port), {"web": HEALTH})
    assert why in str(failed.value)
    assert failed.value.hint == ""
    assert failed.value.details["logs"]["po-shop-web-prod-blue"] == ["booting", "no database"]


@pytest.mark.parametrize(
    ("code", "hint"),
    [(0, "If its command is meant to end, write after_migrate: [{service: buckets}] in the stack."), (1, "")],
)
def test_an_inner_service_whose_command_ends_may_be_a_one_shot(
    engine: FakeEngine, proxy: FakeProxy, code: int, hint: str
) -> None:
    ended = colored("blue", 2, service="buckets", state="exited", exit_code=code)
    engine.start(replace(ended, labels={**ended.labels, **names.labels(role="inner")}))
    with (
        answering(200) as port,
        pytest.raises(SwitchyardError, match=f"buckets-prod-blue ended .exit code {code}") as failed,
    ):
        health.wait_until_healthy(engine, proxy, target(port, count=2), {"web": HEALTH})
    assert failed.value.hint == hint


def test_a_container_that_is_missing_ends_the_wait(engine: FakeEngine, proxy: FakeProxy) -> None:
    with answering(200) as port, pytest.raises(SwitchyardError, match="only 1 of its 2 containers exist"):
        health.wait_until_healthy(engine, proxy, target(port, count=2), {"web": HEALTH})


def test_good_answers_of_another_color_do_not_count(engine: FakeEngine, proxy: FakeProxy) -> None:
    proxy.ignores_the_wish = True
    with answering(200) as port, pytest.raises(SwitchyardError, match=r"Last answer: .* 200 from green"):
        health.wait_until_healthy(engine, proxy, target(port), {"web": SHORT})
