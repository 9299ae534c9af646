from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.text_table import table_lines


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table_lines([("NAME", "AGE", "STATE"), ("a", "3 h", ""), ("long name", "", "verified")]) == [
        "NAME       AGE  STATE",
        "a          3 h",
        "long name       verified",
    ]
