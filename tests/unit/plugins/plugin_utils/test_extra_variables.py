from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.switchyard.stacks.plugins.plugin_utils import extra_variables as extra_variables_module
from ansible_collections.switchyard.stacks.plugins.plugin_utils.extra_variables import (
    extra_variables,
    misspelt_extra_variables,
    playbook_words,
    typed_variables,
    variables_by_stack,
)

STACKS = [
    {"name": "shop", "variables": {"IMAGE": "reg/shop:{{ shop_version }}"}, "routes": [{"hosts": ["{{ shop_host }}"]}]},
    {"name": "blog", "variables": {"IMAGE": "reg/blog:{{ blog_tag }}"}},
]
VARIABLES = {
    "switchyard_stacks": STACKS,
    "shop_host": "shop.{{ domain }}",
    "blog_tag": "1.0.0",
    "proxy_certificates": "{{ own_certificates }}",
    "hostvars": {"other": "{{ team }}"},
}
USED = {"shop_version", "shop_host", "domain", "blog_tag"}


def test_the_words_of_the_playbooks() -> None:
    words = {"stack", "target", "state", "backup", "offsite", "max_discarded", "source", "anonymise", "maintenance"}
    assert words | {"confirm_environment", "remove_data", "accept_downgrade"} <= playbook_words()


def test_no_extra_variable_without_a_command() -> None:
    assert extra_variables(DataLoader()) == {}


def test_which_variables_are_behind_a_stack() -> None:
    assert variables_by_stack(STACKS, VARIABLES) == {0: {"shop_version", "shop_host", "domain"}, 1: {"blog_tag"}}
    assert variables_by_stack("{{ switchyard_stacks + more }}", VARIABLES) == {0: {"switchyard_stacks", "more", *USED}}
    assert variables_by_stack(None, VARIABLES) == {0: set()}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shop_versoin", "Did you mean 'shop_version'?"),
        ("shop-version", "Did you mean 'shop_version'?"),
        ("version", "Did you mean 'shop_version'?"),
        ("blog_tags", "Did you mean 'blog_tag'?"),
        ("stacks", "Write -e stack=a,b."),
        ("stack_list", "Write -e stack=a,b."),
        ("only_stack", "Write -e stack=a,b."),
        ("accept_downgrades", "Did you mean 'accept_downgrade'?"),
        ("confirm_enviroment", "Did you mean 'confirm_environment'?"),
        ("switchyard_enviroment", "Did you mean 'switchyard_environment'?"),
        ("proxy_https_prot", "Did you mean 'proxy_https_port'?"),
    ],
)
def test_a_misspelt_variable_is_a_problem(name: str, hint: str) -> None:
    problems, warnings = misspelt_extra_variables([name, "shop_version"], USED, VARIABLES)
    assert [str(problem) for problem in problems] == [
        f"-e {name}: has no effect: no variable of a stack and no playbook uses it. {hint}"
    ]
    assert [problem.code for problem in problems] == ["request.variable_unknown"]
    assert warnings == []


@pytest.mark.parametrize(
    "name",
    ["shop_version", "domain", "stack", "target", "state", "ansible_user", "proxy_https_port", "own_certificates"],
)
def test_a_variable_with_an_effect(name: str) -> None:
    assert misspelt_extra_variables([name], USED, VARIABLES) == ([], [])


def test_other_variables_without_an_effect_are_a_warning() -> None:
    problems, warnings = misspelt_extra_variables(["ci_job", "team", "shop_version"], USED, VARIABLES)
    assert problems == []
    assert warnings == ["-e ci_job, team: no variable of a stack and no playbook uses it."]


def test_words_are_read_from_the_playbooks(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("when: one is defined\nx: \"{{ two | default('') }} {{ it.three | default(4) }}\"")
    (tmp_path / "b.yml").write_text("when: four is not defined")
    assert playbook_words(tmp_path) == {"one", "two", "four"}


def test_variables_of_a_file_are_not_those_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("shop_version=2 tag=x", '{"other": 1}', "@/tmp/many.yml")
    monkeypatch.setattr(extra_variables_module.context, "CLIARGS", {"extra_vars": words})
    assert typed_variables(DataLoader()) == {"shop_version", "tag", "other"}
