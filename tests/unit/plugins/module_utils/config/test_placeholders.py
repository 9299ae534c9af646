from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.config.placeholders import (
    placeholder,
    placeholder_of,
    placeholder_problems,
)

HOST = placeholder("the host name of web")


def test_a_placeholder_is_found_inside_of_a_text() -> None:
    assert HOST == "<fill in: the host name of web>"
    assert placeholder_of(f"https://{HOST}/") == HOST
    for text in ("", "<b>", "fill in: it", "<filling: a>", "a < b, fill in > c"):
        assert placeholder_of(text) is None


def test_each_placeholder_has_the_path_that_other_problems_of_its_key_have() -> None:
    stack = {
        "name": "shop",
        "variables": {"IMAGE": f"{placeholder('image')}:{placeholder('tag')}", "LEVEL": "info"},
        "routes": [{"service": "web", "port": placeholder("port"), "hosts": ["a.example.org", HOST]}],
        "postgres": {"password": placeholder("a random value")},
    }
    found = placeholder_problems(stack, "switchyard_stacks[shop]")
    assert [(problem.where.partition(".")[2], problem.message) for problem in found] == [
        ("variables.IMAGE", "is still <fill in: image> and <fill in: tag>"),
        ("routes[0].port", "is still <fill in: port>"),
        ("routes[0].hosts", f"is still {HOST}"),
        ("postgres.password", "is still <fill in: a random value>"),
    ]
    assert {problem.code for problem in found} == {"inventory.placeholder"}
