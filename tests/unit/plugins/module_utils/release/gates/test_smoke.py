from __future__ import annotations

import typing as t

import pytest
from fakes import FakeEngine, FakeProxy
from fakes_gates import target

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import SmokeCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import smoke as gates_smoke


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
    assert failed.value.details["logs"]["po-shop-web-prod-blue"] == ["booting", "no database"]


def test_smoke_does_not_accept_another_color(engine: FakeEngine, proxy: FakeProxy) -> None:
    proxy.ignores_the_wish = True
    with pytest.raises(SwitchyardError, match=r"wanted 200 from blue. Last answer: .* 200 from green"):
        gates_smoke.run_smoke_checks(engine, proxy, target(80), [smoke()])
