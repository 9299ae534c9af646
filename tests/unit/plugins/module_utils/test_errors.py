from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem, SwitchyardError, report


def test_a_problem_says_where_what_and_what_to_do() -> None:
    problem = Problem("switchyard_stacks[shop].rotes", "unknown key", "Did you mean 'routes'")
    assert str(problem) == "switchyard_stacks[shop].rotes: unknown key. Did you mean 'routes'."
    assert Problem(**problem.as_dict()) == problem


def test_a_report_counts_its_lines_keeps_their_order_and_says_nothing_twice() -> None:
    first, second = Problem("b", "is missing", "Write b"), Problem("a", "is missing", "Write a")
    assert report([first, second, first], "Nothing was changed").splitlines() == [
        "Nothing was changed (2):",
        "  1. b: is missing. Write b.",
        "  2. a: is missing. Write a.",
    ]


def test_an_error_carries_details_beside_its_message() -> None:
    error = SwitchyardError("The gate failed.", gate="health")
    assert (str(error), error.details) == ("The gate failed.", {"gate": "health"})
