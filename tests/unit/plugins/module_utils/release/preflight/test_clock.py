"""The clock of the server against the controller's."""

from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import clock


@pytest.mark.parametrize(
    ("server", "skew"), [(1000.0, 0.0), (1010.0, 0.0), (1020.0, 0.0), (1060.0, 40.0), (960.0, -40.0)]
)
def test_the_skew_is_what_the_time_of_the_question_does_not_explain(server: float, skew: float) -> None:
    assert clock.skew_of(1000, server, 1020) == skew


def test_small_differences_are_ignored() -> None:
    assert clock.problems(1000, 975, 1020) == clock.problems(1000, 1049, 1020) == []


@pytest.mark.parametrize(("server", "words"), [(1100.0, "80 s ahead of"), (900.0, "100 s behind")])
def test_a_wrong_clock_is_a_warning(server: float, words: str) -> None:
    (problem,) = clock.problems(1000, server, 1020)
    assert problem.message == f"its clock is {words} the controller's"
    assert (problem.where, problem.code, problem.severity) == ("server", "server.clock", "warning")
