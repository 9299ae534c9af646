from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.release import plan as release_plan
from ansible_collections.switchyard.stacks.plugins.module_utils.release.plan import ReleasePlan
from ansible_collections.switchyard.stacks.plugins.module_utils.release.release_result import (
    CancelledCanary,
    NothingToRelease,
    ReleasePreview,
    ReleaseResult,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.revert import RevertResult

RELEASE = ReleasePlan("shop", "release", "green", "blue", reasons=("the running release differs",))


@pytest.mark.parametrize(("recovery_action", "changed"), [(None, False), ("undone", True)])
def test_a_plan_without_a_change_changes_only_what_it_recovers(recovery_action: str | None, changed: bool) -> None:
    result = module_args.to_result(NothingToRelease(release_plan.no_action("shop", "blue"), recovery_action))
    assert (result["changed"], result["recovery_action"]) == (changed, recovery_action)
    assert result["plan"]["changed"] is False
    assert "release" not in result


def test_a_preview_has_the_plan_with_lists_and_its_diff() -> None:
    result = module_args.to_result(ReleasePreview(RELEASE, {"before": "1", "after": "2"}))
    assert result["changed"]
    assert result["diff"] == {"before": "1", "after": "2"}
    assert (result["plan"]["reasons"], result["plan"]["changed"]) == (["the running release differs"], True)


def test_a_cancelled_canary_says_what_was_reverted() -> None:
    plan = ReleasePlan("shop", "cancel_canary", "blue", "blue", 2)
    result = module_args.to_result(CancelledCanary.of(plan, None, RevertResult("blue", traffic_reverted=True)))
    assert (result["canary_cancelled"], result["live"], result["traffic_reverted"]) == (True, "blue", True)
    assert (result["workers_reverted"], result["database"], result["changed"]) == (False, None, True)


@pytest.mark.parametrize(("live", "paused"), [("green", False), ("blue", True)])
def test_a_release_that_is_not_live_is_paused(live: str, paused: bool) -> None:
    result = module_args.to_result(ReleaseResult(RELEASE, None, {}, 2, "2.0.0", 1, "green", live, (), 25))
    assert (result["changed"], result["paused"], result["release"]) == (True, paused, 2)
