from __future__ import annotations

import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from fakes import written

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.plugin_utils.requested_stacks import (
    MISSING,
    inventory_names,
    requested_stacks,
    undefined_hint,
)

BLOG = written(name="blog", routes=[{"service": "site", "port": 80, "hosts": ["blog.org"]}])
SHOP = written(variables={"IMAGE": MISSING})
UNSET = Problem("switchyard_stacks[shop].variables.IMAGE (a.yml:1)", "is undefined", "", "inventory.not_templated")


def requested(only: t.Any = None, mode: str = "deploy", **options: t.Any) -> tuple[list[str], list[str]]:
    words = {"project": "po", "environment": "prod", "mode": mode, "only": only, **options}
    result = requested_stacks([SHOP, BLOG], [SHOP, BLOG], [UNSET], words, "switchyard_stacks")
    assert result.known == ["shop", "blog"]
    return [item.stack.name for item in result.stacks], [problem.code for problem in result.problems]


@pytest.mark.parametrize(
    ("only", "mode", "stacks", "problems"),
    [
        ([], "deploy", ["shop", "blog"], ["inventory.not_templated"]),
        ("shop", "deploy", ["shop"], ["inventory.not_templated"]),
        # A value that only another stack needs.
        ("blog", "deploy", ["blog"], []),
        ("blog,shop", "deploy", ["shop", "blog"], ["inventory.not_templated"]),
        ("blgo", "deploy", [], ["stack.unknown"]),
        ("", "deploy", ["shop", "blog"], ["inventory.not_templated", "stack.unknown"]),
        # A record has everything.
        ([], "rollback", ["shop", "blog"], []),
        (["shop"], "promote", ["shop"], []),
        ("shpo", "rollback", [], ["stack.unknown"]),
    ],
)
def test_stacks_and_the_mistakes_that_concern_them(
    only: t.Any, mode: str, stacks: list[str], problems: list[str]
) -> None:
    assert requested(only, mode) == (stacks, problems)


def test_a_rollback_needs_no_valid_stack_but_the_project() -> None:
    given = [{"name": "shop", "rotes": []}, {"name": "blog"}]
    options = {"project": "po", "environment": "prod", "mode": "rollback"}
    result = requested_stacks(given, given, [], options, "switchyard_stacks")
    assert ([item.stack.name for item in result.stacks], result.problems) == (["shop", "blog"], [])
    assert requested(None, "rollback", project="P o")[1] == ["inventory.name"]
    assert [problem.code for problem in requested_stacks([], [], [], options, "s").problems] == ["inventory.no_stacks"]


def test_names_need_no_other_value() -> None:
    stacks = [{"name": "shop", "variables": {"IMAGE": trust_as_template("{{ shop_version }}")}}, {"name": "blog"}]
    names = {"stacks": stacks, "all": trust_as_template("{{ stacks + [] }}")}
    templar = Templar(loader=DataLoader(), variables=names)
    assert inventory_names(templar, "stacks", names) == ["shop", "blog"]
    assert inventory_names(templar, "all", names) == ["shop", "blog"]
    assert inventory_names(templar, "none", names) == []


def test_what_to_do_about_a_variable_that_is_not_set() -> None:
    assert undefined_hint("'shop_version' is undefined") == (
        "Write -e shop_version=<value>, or set it in the inventory, a secret in a vault"
    )
    assert undefined_hint("another reason") == "Set it in the inventory, a secret in a vault"


def test_the_variables_behind_each_stack() -> None:
    result = requested_stacks([SHOP, BLOG], [SHOP, BLOG], [], {"project": "po", "environment": "prod"}, "s")
    assert result.names_by_stack({0: {"a"}, 1: {"b"}}) == {"shop": {"a"}, "blog": {"b"}}
    assert result.names_by_stack({0: {"a"}}) == {"shop": {"a"}, "blog": {"a"}}
