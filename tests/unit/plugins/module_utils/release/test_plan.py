from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release import plan as release_plan
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record

SECOND = Record(2, "green", "live", "new", checked(), "ann", 1.0, previous=1)
FIRST = Record(1, "blue", "superseded", "old", checked(), "ann", 1.0)
LIVE = release_plan.StackState("green", SECOND, FIRST, True, frozenset({"new"}), True)
NOTHING = release_plan.StackState(None, None, None, False, frozenset(), False)


def test_nothing_is_done_when_just_that_runs() -> None:
    plan = release_plan.deploy("shop", "new", [], LIVE)
    assert (plan.action, plan.color, plan.changed, plan.reasons) == ("none", "green", False, ())


def test_the_first_release_begins_on_blue() -> None:
    plan = release_plan.deploy("shop", "new", ["app:1"], NOTHING)
    assert (plan.action, plan.color, plan.live) == ("release", "blue", None)
    assert plan.reasons == (
        "no release is live yet",
        "the proxy does not have these routes",
        "app:1 is not on the server yet",
    )


@pytest.mark.parametrize(
    ("changes", "pulls", "reason"),
    [
        ({"fingerprints": frozenset({"old"})}, [], "the running release differs"),
        ({"fingerprints": frozenset({"old", "new"})}, [], "the running release differs"),
        ({"fingerprints": frozenset()}, [], "the running release differs"),
        ({"healthy": False}, [], "a container of the live release is not running"),
        ({"routes_known": False}, [], "the proxy does not have these routes"),
        ({}, ["app:2"], "app:2 is not on the server yet"),
    ],
)
def test_a_release_takes_the_idle_color_and_says_why(changes: dict[str, t.Any], pulls: list[str], reason: str) -> None:
    plan = release_plan.deploy("shop", "new", pulls, replace(LIVE, **changes))
    assert (plan.action, plan.color, plan.live, plan.changed) == ("release", "blue", "green", True)
    assert plan.reasons == (reason,)


def test_an_older_version_is_a_reason_and_a_downgrade() -> None:
    state = replace(LIVE, fingerprints=frozenset({"old"}), live_record=replace(SECOND, commit="abc"))
    plan = release_plan.deploy("shop", "new", [], state, downgrades=["reg/web: 2 -> 1"])
    assert plan.reasons == ("the running release differs", "older than the live version: reg/web: 2 -> 1")
    assert (plan.downgrades, plan.live_commit) == (("reg/web: 2 -> 1",), "abc")
    assert release_plan.deploy("shop", "new", [], LIVE, downgrades=["reg/web: 2 -> 1"]).changed is False


def test_the_way_back_leads_to_the_release_before() -> None:
    plan = release_plan.rollback("shop", LIVE)
    assert plan
    assert (plan.action, plan.color, plan.target) == ("rollback", "blue", 1)
    assert plan.reasons == ("back from release 2 to release 1",)


def test_the_way_back_also_leads_away_from_a_release_without_a_record() -> None:
    plan = release_plan.rollback("shop", replace(LIVE, live_record=None))
    assert plan
    assert plan.reasons == ("back from a release without a record to release 1",)


def test_there_is_not_a_way_back_from_nothing_or_to_nothing() -> None:
    assert release_plan.rollback("shop", NOTHING) is None
    assert release_plan.rollback("shop", replace(LIVE, warm_record=None)) is None


def test_a_plan_as_a_modules_result() -> None:
    assert state_file.as_json(release_plan.deploy("shop", "new", [], replace(LIVE, healthy=False))) == {
        "stack": "shop",
        "action": "release",
        "color": "blue",
        "live": "green",
        "target": None,
        "reasons": ["a container of the live release is not running"],
        "recreates": [],
        "downgrades": [],
        "live_commit": None,
        "live_release": None,
        "changed": True,
    }


def test_while_a_canary_is_out_the_way_back_takes_it_back() -> None:
    third = Record(3, "blue", "paused", "newer", checked(), "ann", 1.0)
    out = replace(LIVE, weight=25, canary=third)
    plan = release_plan.rollback("shop", out)
    assert plan
    assert (plan.action, plan.color, plan.target) == ("cancel_canary", "green", 3)
    assert plan.reasons == ("the canary loses its 25 % of the clients",)


def test_only_a_paused_release_continues() -> None:
    third = Record(3, "blue", "paused", "newer", checked(), "ann", 1.0)
    plan = release_plan.promote("shop", replace(LIVE, weight=25, canary=third))
    assert (plan.action, plan.color, plan.target, plan.reasons) == (
        "promote",
        "blue",
        3,
        ("release 3 continues from 25 %",),
    )
    assert not release_plan.promote("shop", LIVE).changed
    assert not release_plan.promote("shop", replace(LIVE, weight=25, canary=third.updated(state="prepared"))).changed


def test_other_stacks_stay_where_they_are_while_a_canary_is_taken_back() -> None:
    back, abort = (
        release_plan.ReleasePlan(name, action, "blue", "green")
        for name, action in (("a", "rollback"), ("b", "cancel_canary"))
    )
    assert [plan.action for plan in release_plan.only_canaries([back, abort])] == ["none", "cancel_canary"]
    assert release_plan.only_canaries([back]) == [back]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight": 5}, "a canary has 5 % of the clients"),
        ({"held": True}, "the proxy holds requests"),
        ({"interrupted": True}, "a migration was not finished"),
    ],
)
def test_what_a_killed_release_left_in_the_proxy_is_put_right(changes: dict[str, t.Any], reason: str) -> None:
    plan = release_plan.deploy("shop", "new", [], replace(LIVE, **changes))
    assert (plan.action, plan.reasons) == ("release", (reason,))


def test_the_plan_names_the_accessories_that_it_recreates() -> None:
    plan = release_plan.deploy("shop", "same", [], replace(LIVE, fingerprints=frozenset({"same"})), ["db"])
    assert (plan.action, plan.recreates) == ("release", ("db",))
    assert plan.reasons[-1] == "the accessory db is recreated, its definition, secrets or files changed"
