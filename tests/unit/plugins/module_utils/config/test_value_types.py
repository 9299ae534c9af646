from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.config import value_types


def convert(name: str, value: t.Any) -> t.Any:
    return value_types.TYPES[name][0](value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text", 5, "5"),
        ("boolean", False, False),
        ("integer", "8000", 8000),
        ("number", "1.5", 1.5),
        ("texts", [], ()),
        ("texts", ["a", 1], ("a", "1")),
        ("command", ["migrate", "--noinput"], ("migrate", "--noinput")),
        ("numbers", 3, (3,)),
        ("numbers", ["1", 2], (1, 2)),
        ("variables", {"DEBUG": True, 1: 2}, {"DEBUG": "true", "1": "2"}),
        ("secrets", {"b": "x", "a": "y"}, ("a", "b")),
        ("addresses", ["10.1.2.3/8", "2001:db8::1"], ("10.0.0.0/8", "2001:db8::1/128")),
        ("size", "20M", 20 * 2**20),
        ("size", 512, 512),
        ("headers", {"X-A": 1}, {"X-A": "1"}),
        ("steps", ["5/60s", "100"], "5/60s, 100"),
    ],
)
def test_a_value_gets_its_canonical_form(name: str, value: t.Any, expected: t.Any) -> None:
    assert convert(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", ""),
        ("text", True),
        ("boolean", "true"),
        ("integer", 2.0),
        ("integer", True),
        ("number", False),
        ("texts", "a"),
        ("command", []),
        ("command", "migrate now"),
        ("variables", ["a"]),
        ("secrets", "hunter2"),
        ("addresses", "10.0.0.1"),
        ("size", "20 MB"),
        ("headers", {"X A": "one"}),
        ("headers", {"X-A": "1", "x-a": "2"}),
        ("switches", ["web"]),
        ("switches", {"web": "no"}),
        ("steps", "100, 100"),
    ],
)
def test_a_wrong_value_is_rejected(name: str, value: t.Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        convert(name, value)


def test_a_message_never_shows_a_text() -> None:
    assert [value_types.shown(value) for value in ("hunter2", 5, True, ["x"])] == [
        "a str",
        "int 5",
        "bool True",
        "a list",
    ]


def test_the_classes_of_ansible_are_shown_by_their_plain_type() -> None:
    class TaggedText(str):
        pass

    class TaggedNumber(int):
        pass

    assert [value_types.shown(value) for value in (TaggedText("hunter2"), TaggedNumber(5))] == ["a str", "int 5"]
