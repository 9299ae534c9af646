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
    assert compose_mistakes.messages(found, images=False) == [answers[1]]
    assert compose_mistakes.overlay(found) == {
        "services": {"a": {"image": compose_mistakes.NO_IMAGE}},
        "volumes": {"b": {"external": True}},
    }
