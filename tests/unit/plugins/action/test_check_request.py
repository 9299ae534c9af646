from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible import context
from ansible.errors import AnsibleAction
from ansible.module_utils.common.collections import ImmutableDict
from ansible.template import trust_as_template
from ansible.utils.vars import load_extra_vars
from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action.check_request import ActionModule

STACKS = [
    {"name": "shop", "variables": {"IMAGE": trust_as_template("shop:{{ shop_version }}")}},
    {"name": trust_as_template("{{ 'blog' }}")},
]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[t.Callable[..., None]]:
    def give(*extra: str) -> None:
        monkeypatch.setattr(context, "CLIARGS", ImmutableDict(extra_vars=extra))
        load_extra_vars.extra_vars = None  # type: ignore[attr-defined]  # Ansible keeps those of the first command

    yield give
    load_extra_vars.extra_vars = None  # type: ignore[attr-defined]


def run(variables: dict[str, t.Any] | None = None, **args: t.Any) -> dict[str, t.Any]:
    given = {"switchyard_stacks": STACKS, **(variables or {})}
    return action_of(ActionModule, "switchyard.stacks.check_request", args, given).run(task_vars=given)


def refused(variables: dict[str, t.Any] | None = None, **args: t.Any) -> list[str]:
    with pytest.raises(AnsibleAction) as caught:
        run(variables, **args)
    heading, *lines = caught.value.result["msg"].splitlines()
    assert heading == f"Nothing was changed. These problems prevent it ({len(lines)}):"
    return [line.split(". ", 1)[1] for line in lines]


def test_the_stacks_of_the_command() -> None:
    assert run()["stacks"] == []
    assert run({"stack": "shop,blog"})["stacks"] == ["shop", "blog"]
    assert run({"stack": ["blog"]})["stacks"] == ["blog"]


def test_a_stack_that_does_not_exist() -> None:
    line = "-e stack: there is no stack shpo. Did you mean 'shop'? Stacks are shop, blog."
    assert refused({"stack": "shpo"}) == [line]
    # Preflight reports it with all others, and retire.yml asks the servers.
    assert run({"stack": "shpo"}, preflight_follows=True)["stacks"] == ["shpo"]
    assert run({"stack": "shpo"}, retired_stacks=True)["stacks"] == ["shpo"]
    assert refused({"stack": ""}, retired_stacks=True) == [
        "-e stack: names no stack. Leave it out for all stacks. Stacks are shop, blog."
    ]


def test_all_problems_come_together(command: t.Callable[..., None], tmp_path: Path) -> None:
    command("shop_versoin=2.0.0", "stack=wiki", "note=1")
    (tmp_path / "group_vars").symlink_to("../shared")
    given = {"stack": "wiki", "ansible_run_tags": ["shop"], "inventory_dir": str(tmp_path)}
    assert [line.split(":")[0] for line in refused(given)] == [
        "--tags shop",
        f"{tmp_path}/group_vars",
        "-e stack",
        "-e shop_versoin",
    ]


def test_a_variable_without_an_effect_is_a_warning(command: t.Callable[..., None]) -> None:
    command("note=1", "shop_version=2.0.0", "stack=shop")
    assert run({"stack": "shop", "proxy_https_prot": 1})["warnings"] == [
        "proxy_https_prot is not a variable of this collection and has no effect. Did you mean proxy_https_port?",
        "-e note: no variable of a stack and no playbook uses it.",
    ]


def test_an_inventory_without_stacks() -> None:
    assert run({"switchyard_stacks": []})["stacks"] == []
    assert refused({"switchyard_stacks": None, "stack": "a"}) == [
        "-e stack: there is no stack a. The inventory has no stack."
    ]
