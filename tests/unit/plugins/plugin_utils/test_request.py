from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils import request


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("", []),
        ([], []),
        ("shop", ["shop"]),
        ("shop,blog", ["shop", "blog"]),
        (" shop , blog ,, shop", ["shop", "blog"]),
        (["shop", "blog"], ["shop", "blog"]),
        (["shop,blog"], ["shop", "blog"]),
        ("[shop, 'blog']", ["shop", "blog"]),
        ('["shop"]', ["shop"]),
        (7, ["7"]),
    ],
)
def test_the_names_of_a_command(value: t.Any, expected: list[str]) -> None:
    assert request.stack_names(value) == expected


@pytest.mark.parametrize(
    ("value", "known", "expected"),
    [
        ("shop,blog", ["shop", "blog"], []),
        ([], ["shop"], []),
        (
            "shpo,blog,wiki",
            ["shop", "blog"],
            [
                "-e stack: there is no stack shpo. Did you mean 'shop'? Stacks are shop, blog.",
                "-e stack: there is no stack wiki. Stacks are shop, blog.",
            ],
        ),
        ("Shop", ["shop"], ["-e stack: there is no stack Shop. Did you mean 'shop'? Stacks are shop."]),
        ("shop", [], ["-e stack: there is no stack shop. The inventory has no stack."]),
        (" , ", ["shop"], ["-e stack: names no stack. Leave it out for all stacks. Stacks are shop."]),
    ],
)
def test_stacks_that_do_not_exist(value: t.Any, known: list[str], expected: list[str]) -> None:
    assert [str(problem) for problem in request.stack_problems(value, known)] == expected


@pytest.mark.parametrize(
    ("tags", "own", "refused"),
    [
        (["all"], ["always"], False),
        ([], ["always"], False),
        (["shop"], ["always"], True),
        (["shop", "blog"], ["always"], True),
        (["tagged"], ["always"], True),
        (["untagged"], ["always"], False),
        # A playbook that imports ours gave it a tag.
        (["release"], ["always", "release"], False),
        (["tagged"], ["always", "release"], False),
        (["other"], ["always", "release"], True),
    ],
)
def test_tags_that_select_nothing(tags: list[str], own: list[str], refused: bool) -> None:
    problems = request.tag_problems(tags, own)
    assert [problem.code for problem in problems] == (["request.tags"] if refused else [])
    assert all(f"-e stack={','.join(sorted(tags))}" in problem.hint for problem in problems)


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "prod" / "group_vars" / "all"
    folder.mkdir(parents=True)
    (folder / "main.yml").write_text("a: 1")
    (folder / "fine.yml").symlink_to("main.yml")
    assert request.link_problems(str(tmp_path / "prod")) == []
    (folder / "stacks.yml").symlink_to("../../../stacks.yml")
    (tmp_path / "prod" / "host_vars").symlink_to("../host_vars")
    assert [str(problem) for problem in request.link_problems(str(tmp_path / "prod"))] == [
        f"{folder / 'stacks.yml'}: is a link to ../../../stacks.yml, which does not exist. "
        "Copy that file here, or correct the link.",
        f"{tmp_path / 'prod' / 'host_vars'}: is a link to ../host_vars, which does not exist. "
        "Copy that file here, or correct the link.",
    ]
    assert request.link_problems(None) == []
