from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.config import canary_steps
from ansible_collections.switchyard.stacks.plugins.module_utils.config.canary_steps import CanaryStep


def test_steps_have_a_share_and_a_time_and_the_switch_is_left_out() -> None:
    assert canary_steps.parse_steps("5/60s, 25/2m,50/pause, 100") == [
        CanaryStep(1, 5, 60.0),
        CanaryStep(2, 25, 120.0),
        CanaryStep(3, 50, 0.0, pause=True),
    ]
    assert canary_steps.parse_steps("10/0.5s") == [CanaryStep(1, 10, 0.5)]
    assert canary_steps.parse_steps("100") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' is not a step"),
        ("5/60", "'5/60' is not a step"),
        ("5%/60s", "is not a step"),
        ("0/5s", "0 % does not come after"),
        ("25/5s, 5/5s", "5 % does not come after"),
        ("25/5s, 25/5s", "25 % does not come after"),
        ("5/5s, 101", "101 % does not come after the step before it, or is more than 100"),
        ("100, 100", "does not come after"),
        ("5", "'5' does not say how long"),
    ],
)
def test_what_is_not_a_step(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        canary_steps.parse_steps(text)


def test_the_next_steps_end_with_the_pause() -> None:
    steps = canary_steps.parse_steps("5/1s, 25/pause, 50/1s, 75/pause, 100")
    assert [(step.number, step.percent) for step in canary_steps.remaining_steps(steps, 0)] == [(1, 5), (2, 25)]
    assert [(step.number, step.percent) for step in canary_steps.remaining_steps(steps, 2)] == [(3, 50), (4, 75)]
    assert canary_steps.remaining_steps(steps, 4) == []
