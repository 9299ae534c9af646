from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli, compose_mistakes
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ComposeError

TEXT = """
services:
  web: {command: serve, networks: [back], depends_on: [db, api], secrets: [key]}
  api: {image: "reg/api:1"}
"""


@pytest.mark.usefixtures("real_compose")
def test_compose_reads_on_after_each_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(TEXT)
    found = compose_cli.read_files(tmp_path, ["a.yml"], {})
    assert sorted(compose_mistakes.messages(found.mistakes)) == [
        'service "web" depends on undefined service "db"',
        'service "web" has neither an image nor a build context specified',
        'service "web" refers to undefined network back',
        'service "web" refers to undefined secret key',
    ]
    assert set(found.content["services"]) == {"web", "api"}
    web = found.content["services"]["web"]
    assert "image" not in web
    assert web["command"] == ["serve"]
    assert set(web["depends_on"]) == {"api"}
    assert "back" not in found.content["networks"]
    assert found.content["secrets"] == {}


@pytest.mark.usefixtures("real_compose")
def test_a_release_never_runs_files_with_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(TEXT)
    with pytest.raises(ComposeError, match=r"Compose rejects a\.yml: .*(\n.*){3}"):
        compose_cli.normalise(tmp_path, ["a.yml"], {})


def test_the_messages_before_another_error_are_kept(tmp_path: Path, docker: Callable[[str], t.Any]) -> None:
    # Compose reports the mistakes of a file in any order.
    first = 'service "a" has neither an image nor a build context specified: invalid compose project'
    docker(f"""case "$*" in *"--file -"*) echo "services.b: no scale" >&2;; *) echo '{first}' >&2;; esac; exit 15""")
    with pytest.raises(
        ComposeError, match=r'"a" has neither an image nor a build context specified\nservices\.b: no scale'
    ):
        compose_cli.read_files(tmp_path, ["a.yml"], {})


@pytest.mark.usefixtures("real_compose")
def test_a_mistake_of_an_included_file(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("services: {x: {command: a}}")
    (tmp_path / "a.yml").write_text("include: [b.yml]\nservices: {web: {image: 'a:1'}}")
    found = compose_cli.read_files(tmp_path, ["a.yml"], {})
    assert compose_mistakes.messages(found.mistakes) == [
        'service "x" has neither an image nor a build context specified'
    ]


def test_an_answer_without_a_known_mistake() -> None:
    assert compose_mistakes.parse_mistake("yaml: line 3: mapping values are not allowed") is None


def test_without_images_the_other_messages_remain() -> None:
    answers = (
        'service "a" has neither an image nor a build context specified',
        'service "a" refers to undefined volume b',
    )
    found = [mistake for mistake in map(compose_mistakes.parse_mistake, answers) if mistake]
    assert compose_mistakes.messages(found, reported=False) == [answers[1]]
    assert compose_mistakes.overlay(found) == {
        "services": {"a": {"image": compose_mistakes.NO_IMAGE}},
        "volumes": {"b": {"external": True}},
    }


@pytest.mark.usefixtures("real_compose")
def test_every_required_variable_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        'services: {web: {image: "a:${TAG:?see the manual}", environment: {A: "${KEY?}"}, volumes: ["${KEY}:/data"]}}'
    )
    found = compose_cli.read_files(tmp_path, ["a.yml"], {})
    assert sorted(compose_mistakes.messages(found.mistakes, reported=False)) == [
        "required variable KEY is missing a value",
        "required variable TAG is missing a value: see the manual",
    ]
    with pytest.raises(ComposeError, match="required variable TAG is missing a value: see the manual"):
        compose_cli.normalise(tmp_path, ["a.yml"], {"KEY": "./key"})


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("read_only", "true"),
        ("ports", ["1"]),
        ("mem_limit", "1"),
        ("stop_grace_period", "1s"),
        ("scale", "1"),
    ],
)
def test_variables_without_a_value_where_compose_expects_no_text(
    tmp_path: Path, key: str, value: str | list[str]
) -> None:
    written = "['${SETTING}:80']" if isinstance(value, list) else "${SETTING}"
    text = f"services:\n  web:\n    image: a:1\n    command: ['${{OTHER}}']\n    {key}: {written}\n"
    (tmp_path / "a.yml").write_text(text)
    found = compose_cli.read_files(tmp_path, ["a.yml"], {})
    assert sorted(found.unset) == ["OTHER", "SETTING"]
    assert compose_mistakes.messages(found.mistakes, reported=False) == []
    if found.mistakes:
        with pytest.raises(ComposeError, match="Compose rejects"):
            compose_cli.normalise(tmp_path, ["a.yml"], {})


@pytest.mark.usefixtures("real_compose")
def test_a_value_for_a_variable_does_not_hide_another_mistake(tmp_path: Path) -> None:
    text = "services: {web: {image: 'a:1', read_only: '${RO}', volumes: ['${DATA}:/data', 'logs:/logs'], imge: x}}"
    (tmp_path / "a.yml").write_text(text)
    with pytest.raises(ComposeError, match="imge") as refused:
        compose_cli.read_files(tmp_path, ["a.yml"], {})
    assert str(refused.value).count("imge") == 1
    assert sorted(refused.value.details["unset"]) == ["DATA", "RO"]
    (tmp_path / "a.yml").write_text(text.replace(", imge: x", ""))
    found = compose_cli.read_files(tmp_path, ["a.yml"], {})
    assert compose_mistakes.messages(found.mistakes, reported=False) == [
        'service "web" refers to undefined volume logs'
    ]


@pytest.mark.usefixtures("real_compose")
def test_each_missing_env_file_is_a_mistake(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    text = "services: {web: {image: 'a:1', env_file: [web.env, ../up.env]}, api: {command: x, env_file: env/api.env}}"
    (folder / "a.yml").write_text(text)
    with pytest.raises(ComposeError, match=r"env file \S+ not found"):
        compose_cli.read_files(folder, ["a.yml"], {})
    assert [path.name for path in folder.iterdir()] == ["a.yml"]
    found = compose_cli.read_files(folder, ["a.yml"], {}, scratch=tmp_path)
    assert sorted(compose_mistakes.messages(found.mistakes)) == [
        f"env file {tmp_path}/a/up.env not found",
        "env file env/api.env not found",
        "env file web.env not found",
        'service "api" has neither an image nor a build context specified',
    ]
    # Only a path below scratch is created.
    (folder / "a.yml").write_text("services: {web: {image: 'a:1', env_file: /nowhere/app.env}}")
    with pytest.raises(ComposeError, match="env file /nowhere/app"):
        compose_cli.read_files(folder, ["a.yml"], {}, scratch=tmp_path)


@pytest.mark.usefixtures("real_compose")
def test_a_message_has_no_warnings_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("version: '3'\nservices: {web: {image: 'a:${TAG}', cpus: x}}")
    with pytest.raises(ComposeError) as refused:
        compose_cli.read_files(tmp_path, ["a.yml"], {"TAG": "1"})
    assert "level=" not in str(refused.value)
    assert "obsolete" not in str(refused.value)
