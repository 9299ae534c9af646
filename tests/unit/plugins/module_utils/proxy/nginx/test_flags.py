from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from fakes_nginx import KEY, ROUTES, STATE

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    driver,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import flags as nginx_flags
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)


def test_the_flags_of_a_state() -> None:
    state = ProxyState(
        {"a": "blue", "b": "green"}, weights={"a": 2, "b": 1, "c": 50}, availability={"a": "held", "d": "maintenance"}
    )
    assert nginx_flags.flags_of(state) == {
        *("a.live", "a.to-green.0", "a.to-green.1", "a.held"),
        *("b.live", "b.green", "b.to-blue.0"),
        "d.maintenance",
    }


@pytest.mark.parametrize(
    "state",
    [
        ProxyState(),
        STATE,
        STATE.with_weight(KEY, 1),
        STATE.with_weight(KEY, 100).with_availability([KEY], "maintenance"),
        STATE.with_availability([KEY, "po.blog.prod"], "held").with_weight("po.blog.prod", 30),
        STATE.with_live(KEY, None).with_availability([KEY], "maintenance"),
    ],
)
def test_what_flags_decide_is_the_state_they_were_made_from(state: ProxyState) -> None:
    assert nginx_flags.state_from_flags(nginx_flags.flags_of(state), state.routes) == state


def test_flags_that_are_left_over_are_reported() -> None:
    flags = nginx_flags.flags_of(STATE)
    assert nginx_flags.state_from_flags(flags | {f"{KEY}.to-blue.0"}, ROUTES) == replace(STATE, in_sync=False)
    assert nginx_flags.state_from_flags(flags | {driver.CLOSING}, ROUTES) == replace(STATE, in_sync=False)
    assert nginx_flags.state_from_flags(flags | {f"{KEY}.to-green.7"}, ROUTES).in_sync is False
    # The color of what is not live means nothing.
    assert nginx_flags.state_from_flags({*flags, "po.new.prod.green"}, ROUTES) == STATE


def seen(flags: set[str], later: set[str]) -> str | None:
    """Return the color of a request that looks for ``.live`` at one time and for ``.green`` at a later one."""
    if f"{KEY}.live" not in flags:
        return None
    return "green" if f"{KEY}.green" in later else "blue"


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations([None, "blue", "green"], 2)))
@pytest.mark.parametrize("weight", [0, 3])
def test_no_request_meets_a_color_that_was_not_chosen(before: str | None, after: str | None, weight: int) -> None:
    flags = nginx_flags.flags_of(ProxyState({KEY: before} if before else {}, weights={KEY: weight}))
    moments = [set(flags)]
    for name, there in nginx_flags.flag_changes(flags, nginx_flags.flags_of(ProxyState({KEY: after} if after else {}))):
        flags = flags | {name} if there else flags - {name}
        moments.append(set(flags))
    met = {seen(*pair) for pair in itertools.combinations_with_replacement(moments, 2)}
    # After the switch, a request may still find it there, but never the other color.
    assert met == {before, after}
    assert nginx_flags.state_from_flags(flags, {}).live == ({KEY: after} if after else {})


def test_a_weight_grows_from_below_and_shrinks_from_above() -> None:
    three, one = (nginx_flags.flags_of(STATE.with_weight(KEY, percent)) for percent in (3, 1))
    assert nginx_flags.flag_changes(one, three) == [(f"{KEY}.to-green.1", True), (f"{KEY}.to-green.2", True)]
    assert nginx_flags.flag_changes(three, one) == [(f"{KEY}.to-green.2", False), (f"{KEY}.to-green.1", False)]


def test_a_switch_is_one_flag_and_the_weight_is_removed_afterwards() -> None:
    assert nginx_flags.flag_changes(
        nginx_flags.flags_of(STATE), nginx_flags.flags_of(STATE.with_live(KEY, "green"))
    ) == [(f"{KEY}.green", True)]
    canary = nginx_flags.flags_of(STATE.with_weight(KEY, 1))
    assert nginx_flags.flag_changes(canary, nginx_flags.flags_of(STATE.with_live(KEY, "green"))) == [
        (f"{KEY}.green", True),
        (f"{KEY}.to-green.0", False),
    ]


def test_a_closed_stack_is_closed_until_the_last_moment() -> None:
    page, hold = (nginx_flags.flags_of(STATE.with_availability([KEY], how)) for how in ("maintenance", "held"))
    assert nginx_flags.flag_changes(page, hold) == [(f"{KEY}.held", True), (f"{KEY}.maintenance", False)]


def test_held_requests_continue_when_the_new_color_is_live() -> None:
    held = STATE.with_availability([KEY], "held")
    assert nginx_flags.flag_changes(nginx_flags.flags_of(held), nginx_flags.flags_of(held.with_live(KEY, "green"))) == [
        (f"{KEY}.green", True),
        (f"{KEY}.held", False),
    ]


@pytest.mark.parametrize("answer", ["", "<html>404</html>", "mark x\nroute a b"])
def test_another_answer_is_never_taken_for_routes(answer: str) -> None:
    with pytest.raises(SwitchyardError, match="did not answer with its routes"):
        nginx_flags.parse_state(answer)
