from __future__ import annotations

import time
import typing as t
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import HOST, Machine

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import LockHeld, ProblemsFound, SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.maintenance import mode
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState

PAGE = "<!DOCTYPE html><title>closed</title>"
SHOP, BLOG, OTHER_ENVIRONMENT = "po.shop.prod", "po.blog.prod", "po.shop.qual"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a verification that fails do so soon."""
    monkeypatch.setattr(mode.verify, "__defaults__", (0.05,))


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """Return a server with two stacks of the environment and one of another."""
    machine.proxy.state = ProxyState(
        {SHOP: "blue", OTHER_ENVIRONMENT: "green"},
        {
            (SHOP, "blue", f"{HOST}/"): "web",
            (SHOP, "blue", f"api.{HOST}/v1/"): "web",
            (SHOP, "green", f"old.{HOST}/"): "web",
            (BLOG, "blue", "blog.example.org/"): "site",
            (OTHER_ENVIRONMENT, "green", "qual.example.org/"): "web",
        },
    )
    return machine


def availability(machine: Machine) -> dict[str, str]:
    return dict(machine.proxy.state.availability)


def pages(machine: Machine) -> dict[str, str]:
    return {path.name: path.read_text() for path in machine.proxy.pages.iterdir()}


def test_maintenance_is_verified_on_every_route_of_the_live_color(shop: Machine) -> None:
    done = mode.set_maintenance(shop.host, ["shop"], PAGE)
    assert done.changed
    assert availability(shop) == {SHOP: "maintenance"}
    assert pages(shop) == {f"{SHOP}.maintenance.html": PAGE}
    # No client reaches the host of the idle color.
    assert sorted(shop.proxy.asked) == [(f"api.{HOST}", "/v1/", None), (HOST, "/", None)]
    assert done.requests == 2


def test_without_a_name_all_stacks_of_the_environment_are_selected_and_no_other(shop: Machine) -> None:
    mode.set_maintenance(shop.host, [], PAGE)
    assert availability(shop) == {SHOP: "maintenance", BLOG: "maintenance"}


def test_a_second_time_changes_nothing_and_sends_no_request(shop: Machine) -> None:
    mode.set_maintenance(shop.host, [], PAGE)
    shop.proxy.asked.clear()
    again = mode.set_maintenance(shop.host, [], PAGE)
    assert (again.changed, shop.proxy.asked, len(shop.proxy.plans)) == (False, [], 1)


def test_another_page_replaces_the_previous_one(shop: Machine) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    assert mode.set_maintenance(shop.host, ["shop"], f"{PAGE}new").changed
    assert pages(shop) == {f"{SHOP}.maintenance.html": f"{PAGE}new"}


def test_off_ends_maintenance_and_removes_the_page(shop: Machine) -> None:
    mode.set_maintenance(shop.host, [], PAGE)
    assert mode.set_maintenance(shop.host, ["shop"], None).changed
    assert availability(shop) == {BLOG: "maintenance"}
    assert list(pages(shop)) == [f"{BLOG}.maintenance.html"]
    mode.set_maintenance(shop.host, [], None)
    assert (availability(shop), pages(shop)) == ({}, {})
    assert not mode.set_maintenance(shop.host, [], None).changed


def test_check_mode_returns_the_same_and_changes_nothing(shop: Machine) -> None:
    predicted = mode.result(shop.host, mode.set_maintenance(shop.host, ["shop"], PAGE, check_mode=True))
    assert (availability(shop), pages(shop), shop.proxy.asked) == ({}, {}, [])
    done = mode.result(shop.host, mode.set_maintenance(shop.host, ["shop"], PAGE))
    assert (predicted.changed, predicted.diff) == (True, done.diff)
    assert done.diff["before"] == "shop: available\n"
    assert done.diff["after"].startswith("shop: maintenance, page of 36 bytes (")


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(shop: Machine) -> None:
    with pytest.raises(ProblemsFound) as error:
        mode.set_maintenance(shop.host, ["shopp", "shop", "bolg"], PAGE)
    expected = "stack: the proxy of this server does not know shopp or bolg in prod. Write one of: blog, shop."
    assert [str(problem) for problem in error.value.problems] == [expected]
    assert str(error.value) == f"Nothing was changed (1):\n  1. {expected}"
    assert availability(shop) == {}


def test_without_a_known_stack_on_is_an_error_and_off_is_not(machine: Machine) -> None:
    with pytest.raises(SwitchyardError, match=r"does not know any stack in prod\. Run setup\.yml"):
        mode.set_maintenance(machine.host, [], PAGE)
    assert not mode.set_maintenance(machine.host, [], None).changed
    with pytest.raises(SwitchyardError, match=r"does not know shop in prod\. Run setup\.yml"):
        mode.set_maintenance(machine.host, ["shop"], None)


@pytest.mark.parametrize("answer", [(503, "no server is available"), (200, PAGE), (503, "")])
def test_the_previous_state_is_restored_when_the_page_is_not_shown(shop: Machine, answer: tuple[int, str]) -> None:
    shop.proxy.state = shop.proxy.state.with_availability([BLOG], "maintenance")
    (shop.proxy.pages / f"{BLOG}.maintenance.html").write_text("old page")
    shop.proxy.instead_of_page = answer
    with pytest.raises(SwitchyardError, match=f"Maintenance is not on after .* s: GET .*: {answer[0]}"):
        mode.set_maintenance(shop.host, [], PAGE)
    assert availability(shop) == {BLOG: "maintenance"}
    assert pages(shop) == {f"{BLOG}.maintenance.html": "old page"}


def test_the_previous_state_is_restored_when_the_page_is_still_shown(shop: Machine) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    shop.proxy.always_closed = True
    with pytest.raises(SwitchyardError, match=r"Maintenance is not off after .* s: GET"):
        mode.set_maintenance(shop.host, ["shop"], None)
    assert availability(shop) == {SHOP: "maintenance"}
    assert pages(shop) == {f"{SHOP}.maintenance.html": PAGE}


@pytest.mark.parametrize(("error", "verified"), [(TimeoutError("timed out"), True), (ConnectionRefusedError(), False)])
def test_a_slow_application_verifies_off_but_a_refused_connection_does_not(
    shop: Machine, monkeypatch: pytest.MonkeyPatch, error: OSError, verified: bool
) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)

    def no_answer(*args: t.Any, **options: t.Any) -> t.NoReturn:
        raise error

    monkeypatch.setattr(shop.proxy, "request", no_answer)
    if verified:
        assert mode.set_maintenance(shop.host, ["shop"], None).changed
    else:
        with pytest.raises(SwitchyardError, match="ConnectionRefusedError"):
            mode.set_maintenance(shop.host, ["shop"], None)
    assert availability(shop) == ({} if verified else {SHOP: "maintenance"})


def test_an_application_that_is_down_does_not_keep_maintenance_on(shop: Machine) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    shop.proxy.answer = lambda color, path: (503, "no server is available")
    assert mode.set_maintenance(shop.host, ["shop"], None).changed


def test_held_requests_belong_to_the_running_release_and_are_resumed_when_its_lock_expired(shop: Machine) -> None:
    shop.proxy.state = shop.proxy.state.with_availability([SHOP], "held")
    shop.lock("ann@laptop")
    for page in (PAGE, None):
        with pytest.raises(LockHeld, match=r"released by ann@laptop .* Requests wait for it"):
            mode.set_maintenance(shop.host, ["shop"], page)
    later = replace(t.cast(t.Any, shop.ctx.lock.state()), until=time.time() - 1)
    shop.ctx.lock._write(later)
    assert mode.set_maintenance(shop.host, ["shop"], None).changed
    assert availability(shop) == {}


def test_maintenance_can_be_turned_on_during_a_release(shop: Machine) -> None:
    shop.lock()
    assert mode.set_maintenance(shop.host, ["shop"], PAGE).changed


def test_a_switch_of_another_stack_at_the_same_time_is_kept(shop: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    apply: Callable[..., t.Any] = shop.proxy.apply

    def switched_in_between(change: Callable[[ProxyState], t.Any]) -> t.Any:
        shop.proxy.state = shop.proxy.state.with_live(OTHER_ENVIRONMENT, "blue")
        return apply(change)

    monkeypatch.setattr(shop.proxy, "apply", switched_in_between)
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    assert shop.proxy.state.live[OTHER_ENVIRONMENT] == "blue"
