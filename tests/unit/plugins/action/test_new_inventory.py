from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible import context
from ansible.errors import AnsibleAction
from ansible.module_utils.common.collections import ImmutableDict
from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action.new_inventory import ActionModule, name_problems

COMPOSE = """
services:
  web: {image: "reg.example.org/shop:${TAG}", ports: ["8000:8000"]}
  db: {image: "postgres:17"}
"""
FILES = ["ansible.cfg", *(f"inventories/prod/{name}" for name in ("hosts.yml", "group_vars/all/main.yml"))]
FILES += ["inventories/prod/group_vars/all/stacks.yml"]


@pytest.fixture(autouse=True)
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_compose: None) -> Path:
    """Give the current folder of a team, next to the folder of an application."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/compose.yml").write_text(COMPOSE)
    (tmp_path / "team").mkdir()
    monkeypatch.chdir(tmp_path / "team")
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(args=("switchyard.stacks.new",)))
    return tmp_path / "team"


def run(check: bool = False, **args: t.Any) -> dict[str, t.Any]:
    given = {"name": "shop", "compose": ["../shop"], **args}
    action = action_of(ActionModule, "switchyard.stacks.new_inventory", given, {})
    action._task.check_mode = check
    return action.run(task_vars={})


def refused(**args: t.Any) -> list[str]:
    with pytest.raises(AnsibleAction) as caught:
        run(**args)
    heading, *lines = str(caught.value.result["msg"]).splitlines()
    assert heading == f"Nothing was written. These problems prevent it ({len(lines)}):"
    return [line.split(". ", 1)[1] for line in lines]


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_inventory_is_written_once(team: Path) -> None:
    before = written(team.parent / "shop")
    result = run()
    assert result["changed"]
    assert written(team) == sorted(FILES)
    assert written(team.parent / "shop") == before
    assert [Path(one["path"]).relative_to(team) for one in result["files"]] == [Path(name) for name in FILES]
    assert result["next"]["preflight"] == "ansible-playbook switchyard.stacks.preflight -i inventories/prod"
    (stack,) = yaml.safe_load((team / FILES[-1]).read_text())["switchyard_stacks"]
    source = team / "inventories/prod" / stack["source"]["path"]
    assert (source / stack["compose"][0]).resolve() == team.parent / "shop/compose.yml"
    assert {one["placeholder"].partition(":")[2][:14] for one in result["placeholders"]} == {
        " the name or t",
        " the version t",
        " the host name",
    }
    again = run()
    assert not again["changed"]
    assert again["diff"] == []


def test_check_mode_writes_nothing_and_has_the_same_diff(team: Path) -> None:
    planned = run(check=True)
    assert planned["changed"]
    assert written(team) == []
    done = run()
    assert planned["diff"] == done["diff"]
    assert [one["before"] for one in done["diff"]] == [""] * 4
    assert done["diff"][0]["after"].startswith("[defaults]")


def test_files_of_others_are_replaced_only_on_request(team: Path) -> None:
    run()
    (team / FILES[1]).write_text("all: {}\n")
    assert refused() == [
        f"{team / FILES[1]}: exists, with another content. Choose another -e folder, or replace it with "
        "-e overwrite=true."
    ]
    assert (team / FILES[1]).read_text() == "all: {}\n"
    result = run(overwrite=True)
    assert [one["action"] for one in result["files"]] == ["unchanged", "replaced", "unchanged", "unchanged"]
    assert result["diff"][0]["before"] == "all: {}\n"


def test_the_words_of_the_command_fill_in_what_they_say(team: Path) -> None:
    run(folder="../ops", environment="qual", project="po", server="203.0.113.7", domain="example.com")
    folder = team.parent / "ops/inventories/qual"
    assert list(yaml.safe_load((folder / "hosts.yml").read_text())["all"]["hosts"]) == ["203.0.113.7"]
    main = yaml.safe_load((folder / "group_vars/all/main.yml").read_text())
    assert (main["switchyard_project"], main["switchyard_environment"]) == ("po", "qual")
    (stack,) = yaml.safe_load((folder / "group_vars/all/stacks.yml").read_text())["switchyard_stacks"]
    assert stack["routes"][0]["hosts"] == ["shop-qual.example.com"]
    assert written(team) == []


def test_all_problems_come_in_one_report(team: Path) -> None:
    lines = refused(
        name="", compose="../shop/none.yml,../other", domain="a..b", environment="pre prod", server="me@app1"
    )
    assert [line.split(":")[0] for line in lines] == [
        "-e name",
        "-e switchyard_environment",
        "-e server",
        "-e domain",
        "-e compose",
        "-e compose",
    ]
    assert written(team) == []


def test_a_folder_that_is_a_file_is_a_problem(team: Path) -> None:
    (team / "inventories").write_text("")
    assert refused() == [f"{team}/inventories: is not a folder. Choose another -e folder."]
    assert written(team) == ["inventories"]


@pytest.mark.parametrize(
    ("name", "project", "words"),
    [
        ("shop", "shop", []),
        ("my_shop", "my-shop", []),
        ("Shop", "Shop", ["'Shop' is not a valid name"]),
        ("a" * 60, "a", ["is too long"]),
        ("shop", "p_o", ["'p_o' is not a valid name"]),
    ],
)
def test_names(name: str, project: str, words: list[str]) -> None:
    messages = [problem.message for problem in name_problems(name, project, "prod")]
    assert len(messages) == len(words)
    assert all(word in message for word, message in zip(words, messages, strict=True))
