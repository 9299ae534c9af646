from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.plugin_utils.failure import failure


def test_the_error_has_the_first_line_and_the_result_all_lines() -> None:
    error = failure("Two problems:\n  1. one\n  2. two", code="x")
    assert str(error) == "Two problems"
    assert dict(error.result) == {"msg": "Two problems:\n  1. one\n  2. two", "code": "x"}
