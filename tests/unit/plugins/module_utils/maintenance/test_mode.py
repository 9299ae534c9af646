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
SHOP, BLOG, ELSEWHERE = "po.shop.prod", "po.blog.prod", "po.shop.qual"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a proof that fails do so soon."""
    monkeypatch.setattr(mode.verify, "__defaults__", (0.05,))


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """Give a server with two stacks of the environment and one of another."""
    machine.proxy.state = ProxyState(
        {SHOP: "blue", ELSEWHERE: "green"},
        {
            (SHOP, "blue", f"{HOST}/"): "web",
            (SHOP, "blue", f"api.{HOST}/v1/"): "web",
            (SHOP, "green", f"old.{HOST}/"): "web",
            (BLOG, "blue", "blog.example.org/"): "site",
            (ELSEWHERE, "green", "qual.example.org/"): "web",
        },
    )
    return machine


def closed(machine: Machine) -> dict[str, str]:
    return dict(machine.proxy.state.availability)


def pages(machine: Machine) -> dict[str, str]:
    return {path.name: path.read_text() for path in machine.proxy.pages.iterdir()}


def test_a_stack_is_closed_with_its_page_and_every_way_in_of_the_public_proves_it(shop: Machine) -> None:
    done = mode.set_maintenance(shop.host, ["shop"], PAGE)
    assert done.changed
    assert closed(shop) == {SHOP: "maintenance"}
    assert pages(shop) == {f"{SHOP}.maintenance.html": PAGE}
    # The idle color's own host is not the public's.
    assert sorted(shop.proxy.asked) == [(f"api.{HOST}", "/v1/", None), (HOST, "/", None)]
    assert done.asked == 2


def test_without_a_name_all_stacks_of_the_environment_are_meant_and_no_other(shop: Machine) -> None:
    mode.set_maintenance(shop.host, [], PAGE)
    assert closed(shop) == {SHOP: "maintenance", BLOG: "maintenance"}


def test_again_changes_nothing_and_asks_nothing(shop: Machine) -> None:
    mode.set_maintenance(shop.host, [], PAGE)
    shop.proxy.asked.clear()
    again = mode.set_maintenance(shop.host, [], PAGE)
    assert (again.changed, shop.proxy.asked, len(shop.proxy.plans)) == (False, [], 1)


def test_another_page_replaces_the_one_that_is_shown(shop: Machine) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    assert mode.set_maintenance(shop.host, ["shop"], f"{PAGE}new").changed
    assert pages(shop) == {f"{SHOP}.maintenance.html": f"{PAGE}new"}


def test_off_opens_what_is_closed_and_takes_the_page_away(shop: Machine) -> None:
    mode.set_maintenance(shop.host, [], PAGE)
    assert mode.set_maintenance(shop.host, ["shop"], None).changed
    assert closed(shop) == {BLOG: "maintenance"}
    assert list(pages(shop)) == [f"{BLOG}.maintenance.html"]
    mode.set_maintenance(shop.host, [], None)
    assert (closed(shop), pages(shop)) == ({}, {})
    assert not mode.set_maintenance(shop.host, [], None).changed


def test_check_mode_says_the_same_and_does_nothing(shop: Machine) -> None:
    looked = mode.result(shop.host, mode.set_maintenance(shop.host, ["shop"], PAGE, check_mode=True))
    assert (closed(shop), pages(shop), shop.proxy.asked) == ({}, {}, [])
    done = mode.result(shop.host, mode.set_maintenance(shop.host, ["shop"], PAGE))
    assert (looked["changed"], looked["diff"]) == (True, done["diff"])
    assert done["diff"]["before"] == "shop: open\n"
    assert done["diff"]["after"].startswith("shop: maintenance, page of 36 bytes (")


def test_a_name_the_proxy_does_not_know_is_told_with_those_it_knows(shop: Machine) -> None:
    with pytest.raises(ProblemsFound) as error:
        mode.set_maintenance(shop.host, ["shopp", "shop", "bolg"], PAGE)
    expected = "stack: the proxy of this server knows no shopp and no bolg in prod. Write one of: blog, shop."
    assert [str(problem) for problem in error.value.problems] == [expected]
    assert str(error.value) == f"Nothing was changed (1):\n  1. {expected}"
    assert closed(shop) == {}


def test_where_nothing_is_known_on_is_an_error_and_off_is_done(machine: Machine) -> None:
    with pytest.raises(SwitchyardError, match=r"there is nothing to close\. Run setup\.yml"):
        mode.set_maintenance(machine.host, [], PAGE)
    assert not mode.set_maintenance(machine.host, [], None).changed
    with pytest.raises(SwitchyardError, match=r"knows no shop in prod\. Run setup\.yml"):
        mode.set_maintenance(machine.host, ["shop"], None)


@pytest.mark.parametrize("answer", [(503, "no server is available"), (200, PAGE), (503, "")])
def test_a_page_that_is_not_seen_puts_everything_back(shop: Machine, answer: tuple[int, str]) -> None:
    shop.proxy.state = shop.proxy.state.with_availability([BLOG], "maintenance")
    (shop.proxy.pages / f"{BLOG}.maintenance.html").write_text("old page")
    shop.proxy.instead_of_page = answer
    with pytest.raises(SwitchyardError, match=f"told to show the maintenance page, but GET .*: {answer[0]}"):
        mode.set_maintenance(shop.host, [], PAGE)
    assert closed(shop) == {BLOG: "maintenance"}
    assert pages(shop) == {f"{BLOG}.maintenance.html": "old page"}


def test_a_page_that_does_not_go_away_puts_everything_back(shop: Machine) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    shop.proxy.always_closed = True
    with pytest.raises(SwitchyardError, match="told to open again, but GET"):
        mode.set_maintenance(shop.host, ["shop"], None)
    assert closed(shop) == {SHOP: "maintenance"}
    assert pages(shop) == {f"{SHOP}.maintenance.html": PAGE}


@pytest.mark.parametrize(("error", "opened"), [(TimeoutError("timed out"), True), (ConnectionRefusedError(), False)])
def test_off_is_proved_by_an_application_that_is_slow_but_not_by_a_proxy_that_is_gone(
    shop: Machine, monkeypatch: pytest.MonkeyPatch, error: OSError, opened: bool
) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)

    def no_answer(*words: t.Any, **options: t.Any) -> t.NoReturn:
        raise error

    monkeypatch.setattr(shop.proxy, "request", no_answer)
    if opened:
        assert mode.set_maintenance(shop.host, ["shop"], None).changed
    else:
        with pytest.raises(SwitchyardError, match="ConnectionRefusedError"):
            mode.set_maintenance(shop.host, ["shop"], None)
    assert closed(shop) == ({} if opened else {SHOP: "maintenance"})


def test_an_application_that_is_down_does_not_keep_its_stack_closed(shop: Machine) -> None:
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    shop.proxy.answer = lambda color, path: (503, "no server is available")
    assert mode.set_maintenance(shop.host, ["shop"], None).changed


def test_what_waits_for_a_release_is_left_to_it_and_opened_when_the_release_is_gone(shop: Machine) -> None:
    shop.proxy.state = shop.proxy.state.with_availability([SHOP], "held")
    shop.lock("ann@laptop")
    for page in (PAGE, None):
        with pytest.raises(LockHeld, match=r"released by ann@laptop .* Requests wait for it"):
            mode.set_maintenance(shop.host, ["shop"], page)
    later = replace(t.cast(t.Any, shop.ctx.lock.state()), until=time.time() - 1)
    shop.ctx.lock._write(later)
    assert mode.set_maintenance(shop.host, ["shop"], None).changed
    assert closed(shop) == {}


def test_a_release_that_is_under_way_does_not_keep_a_stack_from_being_closed(shop: Machine) -> None:
    shop.lock()
    assert mode.set_maintenance(shop.host, ["shop"], PAGE).changed


def test_another_stack_that_is_switched_meanwhile_stays_as_it_is(
    shop: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply: Callable[..., t.Any] = shop.proxy.apply

    def switched_meanwhile(change: Callable[[ProxyState], t.Any]) -> t.Any:
        shop.proxy.state = shop.proxy.state.with_live(ELSEWHERE, "blue")
        return apply(change)

    monkeypatch.setattr(shop.proxy, "apply", switched_meanwhile)
    mode.set_maintenance(shop.host, ["shop"], PAGE)
    assert shop.proxy.state.live[ELSEWHERE] == "blue"
