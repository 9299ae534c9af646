from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_variables import (
    read_env_file,
    substitute,
    unused,
)

VALUES = {"A": "1", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./data", "./data"),
        ("$A/${A}", "1/1"),
        ("${B:-./x}", "./x"),
        ("${B-x}${EMPTY-y}${EMPTY:-z}", "xz"),
        ("${A:+on}${B:+off}", "on"),
        ("${A:?needed}", "1"),
        ("${B}", None),
        ("${B:?needed}", None),
        ("${B:-${A}}", None),
    ],
)
def test_variables_have_their_values_and_defaults(text: str, expected: str | None) -> None:
    assert substitute(text, VALUES) == expected


def test_an_env_file() -> None:
    text = "A=1\n# comment\nexport B='two words' # why\nC=\"x\"\nD=a#b # note\nE: 5\n\nwrong line\nF=\n"
    assert read_env_file(text) == {"A": "1", "B": "two words", "C": "x", "D": "a#b", "E": "5", "F": ""}


def test_variables_that_no_file_uses() -> None:
    names = ["A", "B", "C", "D", "E", "F", "G", "H", "COMPOSE_PROFILES"]
    texts = [
        "image: ${A}\ncommand: $B-x",
        "environment: [C, 'D']\nother:\n  - E\nmore:\n  F:\n  G: x # G is a key here\n  HH: $HH",
    ]
    assert unused(names, texts) == ["G", "H"]
