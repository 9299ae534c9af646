from __future__ import annotations

import pytest
import yaml

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.yaml_lines import (
    WIDTH,
    YamlLines,
    quoted,
    scalar,
    sequence,
)

TEXTS = [
    *("web", "Web.Front", "123", "1.0", "yes", "null", "a: b", "a, b", "[x]", "# no comment", "x #y", "", " a "),
    *(
        'with "quotes"',
        "it's",
        "ü",
        "a\nb",
        "{x}",
        "*a",
        "&a",
        "!a",
        "~",
        "-",
        "0x1f",
        "2024-01-01",
        "1_000",
        "@x",
        "\\n",
    ),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_it_was(text: str) -> None:
    assert yaml.safe_load(f"key: {quoted(text)}") == {"key": text}
    assert yaml.safe_load(f"key: {sequence([text, text])}") == {"key": [text, text]}


def test_only_texts_that_need_it_are_in_quotation_marks() -> None:
    assert [quoted(text) for text in ("web", "../shop", "123")] == ["web", "../shop", '"123"']
    assert scalar(8000) == "8000"


def test_a_text_of_the_application_is_never_a_template() -> None:
    assert scalar("/{{ x }}") == '!unsafe "/{{ x }}"'
    assert quoted("{{ version }}") == '"{{ version }}"'


def test_comments_are_wrapped_and_end_with_a_full_stop() -> None:
    file = YamlLines()
    file.comment(4, "word " * 40, "Example:")
    file.comment(4, f"{'long ' * 19}key: [{{volume: data}}]")
    file.add(2, "a: 1")
    lines = file.text.splitlines()
    assert lines[0] == "---"
    assert max(map(len, lines)) <= WIDTH
    assert lines[-5].endswith("word.")
    assert lines[-4:] == [
        "    # Example:",
        f"    # {' '.join(['long'] * 19)}",
        "    # key: [{volume: data}].",
        "  a: 1",
    ]
    assert yaml.safe_load(file.text) == {"a": 1}
