from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.application import (
    Application,
    find_files,
    names_of_environment,
    read_application,
)

COMPOSE = "services: {web: {image: 'web:1'}}\n"


def found(folder: Path, *given: str, environment: str = "prod") -> list[str]:
    files, problems = find_files(given, environment, folder)
    assert problems == []
    return [str(file.relative_to(folder)) for file in files]


def read(folder: Path, *given: str) -> Application:
    app, problems = read_application(given or (".",), "shop", "prod", folder)
    assert app, problems
    return app


def refused(folder: Path, *given: str) -> list[tuple[str, str]]:
    app, problems = read_application(given or (".",), "shop", "prod", folder)
    assert app is None
    return [(problem.code, problem.message.replace(f"{folder}", "")) for problem in problems]


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    assert found(tmp_path, ".") == ["docker-compose.yml"]
    (tmp_path / "prod.yml").write_text("- hosts: all\n")
    assert found(tmp_path, ".") == ["docker-compose.yml"]
    (tmp_path / "docker-compose.production.yml").write_text(COMPOSE)
    assert found(tmp_path, ".") == ["docker-compose.yml", "docker-compose.production.yml"]
    assert found(tmp_path, ".", environment="qual") == ["docker-compose.yml"]
    assert found(tmp_path, "docker-compose.yml", "prod.yml") == ["docker-compose.yml", "prod.yml"]
    (tmp_path / ".env").write_text("COMPOSE_FILE=docker-compose.yml:prod.yml\n")
    assert found(tmp_path, ".") == ["docker-compose.yml", "prod.yml"]


def test_names_of_the_file_of_an_environment() -> None:
    assert names_of_environment("compose.yaml", "qual") == [
        "compose.qual.yml",
        "qual.yml",
        "compose.qual.yaml",
        "qual.yaml",
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "is missing"),
        (("empty",), "/empty has no Compose file"),
        (("none.yml",), "/none.yml does not exist"),
        (("bad.yml",), "/bad.yml cannot be read as YAML: mapping values are not allowed here"),
        (("binary.yml",), "/binary.yml cannot be read (it is not a text)"),
    ],
)
def test_bad_input(given: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yml").write_text("a: b: c\n")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    app, problems = read_application(given, "shop", "prod", tmp_path)
    assert app is None
    assert [problem.message.replace(str(tmp_path), "") for problem in problems] == [message]


def test_every_file_that_is_missing_is_named(tmp_path: Path) -> None:
    assert [message for _code, message in refused(tmp_path, "a.yml", "b.yml")] == [
        "/a.yml does not exist",
        "/b.yml does not exist",
    ]


def test_without_compose_there_is_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    monkeypatch.setenv("PATH", str(tmp_path))
    ((code, _message),) = refused(tmp_path)
    assert code == "new.compose_plugin"


@pytest.mark.usefixtures("real_compose")
def test_what_the_files_say(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KNOWN=1\n")
    (tmp_path / "key.txt").write_text("k\n")
    (tmp_path / "compose.override.yml").write_text(COMPOSE)
    (tmp_path / "compose.yml").write_text(
        """
services:
  web:
    image: reg.example.org/shop:${TAG}
    environment: {A: "${KNOWN}", B: "${FIRST:?set it}", C: "${SECOND:?}", D: "${SWITCHYARD_POSTGRES_HOST:-db}"}
    volumes: ["./data:/data", "./key.txt:/key"]
    secrets: [key]
  tools: {image: "tools:1", profiles: [debug]}
secrets: {key: {file: ./key.txt}}
"""
    )
    app = read(tmp_path)
    assert list(app.services) == ["web"]
    assert set(app.unset) == {"TAG", "FIRST", "SECOND"}
    assert (app.image_texts, app.env_names) == (("reg.example.org/shop:${TAG}",), ("KNOWN",))
    assert (sorted(app.shared), app.file_secrets) == (["postgres"], ("key",))
    assert (app.written, app.inactive) == ({"data": ("web",)}, {"tools": ("debug",)})
    assert app.unread
    assert "compose.override.yml" in app.unread[0]


@pytest.mark.usefixtures("real_compose")
def test_the_folder_has_all_files_that_the_compose_files_name(tmp_path: Path) -> None:
    folder = tmp_path / "shop/deploy/docker"
    folder.mkdir(parents=True)
    (tmp_path / "shop/app").mkdir()
    (folder / "compose.yml").write_text("services: {web: {image: 'w:1', volumes: ['../../app:/app:ro']}}\n")
    app = read(folder)
    assert (app.folder, app.compose) == (tmp_path / "shop", ("deploy/docker/compose.yml",))
    (folder / "compose.yml").write_text("services: {web: {image: 'w:1', volumes: ['../../../../../../x:/app']}}\n")
    assert read(folder).folder == folder


@pytest.mark.usefixtures("real_compose")
def test_what_compose_rejects_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: {web: {image: 'w:1', env_file: app.env}}\n")
    assert read(tmp_path).mistakes == ("env file app.env not found",)
    (tmp_path / "compose.yml").write_text("services: {web: {image: 'w:1', volums: []}}\n")
    ((code, message),) = refused(tmp_path)
    assert code == "compose.invalid"
    assert "volums" in message
    (tmp_path / "compose.yml").write_text("services: {web: {image: 'w:1', depends_on: [db], networks: [far]}}\n")
    assert sorted(read(tmp_path).mistakes) == [
        'service "web" depends on undefined service "db"',
        'service "web" refers to undefined network far',
    ]
    (tmp_path / "compose.yml").write_text("services: {web: {image: 'w:1', profiles: [x]}}\n")
    assert refused(tmp_path) == [("new.compose", "compose.yml in  has no service that runs")]
