from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import planning
from ansible_collections.switchyard.stacks.plugins.module_utils.records import Record

SECOND = Record(2, "green", "live", "new", {}, "ann", 1.0, previous=1)
FIRST = Record(1, "blue", "replaced", "old", {}, "ann", 1.0)
LIVE = planning.Standing("green", SECOND, FIRST, True, frozenset({"new"}), True)
NOTHING = planning.Standing(None, None, None, False, frozenset(), False)


def test_nothing_is_done_when_just_that_runs() -> None:
    plan = planning.deploy("shop", "new", [], LIVE)
    assert (plan.action, plan.color, plan.changed, plan.reasons) == ("none", "green", False, ())


def test_the_first_release_begins_on_blue() -> None:
    plan = planning.deploy("shop", "new", ["app:1"], NOTHING)
    assert (plan.action, plan.color, plan.live) == ("release", "blue", None)
    assert plan.reasons == (
        "nothing is live yet",
        "the proxy does not know these routes",
        "app:1 is not on the server yet",
    )


@pytest.mark.parametrize(
    ("changes", "pulls", "reason"),
    [
        ({"fingerprints": frozenset({"old"})}, [], "the release that runs is another one"),
        ({"fingerprints": frozenset({"old", "new"})}, [], "the release that runs is another one"),
        ({"fingerprints": frozenset()}, [], "the release that runs is another one"),
        ({"healthy": False}, [], "a container of the live release does not run"),
        ({"routes_known": False}, [], "the proxy does not know these routes"),
        ({}, ["app:2"], "app:2 is not on the server yet"),
    ],
)
def test_a_release_goes_to_the_idle_color_and_says_why(
    changes: dict[str, t.Any], pulls: list[str], reason: str
) -> None:
    plan = planning.deploy("shop", "new", pulls, replace(LIVE, **changes))
    assert (plan.action, plan.color, plan.live, plan.changed) == ("release", "blue", "green", True)
    assert plan.reasons == (reason,)


def test_the_way_back_leads_to_the_release_before() -> None:
    plan = planning.rollback("shop", LIVE)
    assert plan
    assert (plan.action, plan.color, plan.target) == ("rollback", "blue", 1)
    assert plan.reasons == ("back from release 2 to release 1",)


def test_the_way_back_also_leads_away_from_a_release_without_a_record() -> None:
    plan = planning.rollback("shop", replace(LIVE, live_record=None))
    assert plan
    assert plan.reasons == ("back from a release without a record to release 1",)


def test_there_is_no_way_back_from_nothing_or_to_nothing() -> None:
    assert planning.rollback("shop", NOTHING) is None
    assert planning.rollback("shop", replace(LIVE, warm_record=None)) is None


def test_a_plan_as_a_modules_result() -> None:
    assert planning.deploy("shop", "new", [], replace(LIVE, healthy=False)).as_dict() == {
        "stack": "shop",
        "action": "release",
        "color": "blue",
        "live": "green",
        "target": None,
        "reasons": ["a container of the live release does not run"],
        "changed": True,
    }
