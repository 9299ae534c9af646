from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.plugin_utils.compose_references import find_references


def put(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def names(folder: Path, *compose: str) -> list[str]:
    return sorted(find_references(folder, compose or ("docker-compose.yml",), {}).files)


def test_a_file_without_references(tmp_path: Path) -> None:
    put(tmp_path, {"docker-compose.yml": "services: {web: {image: a}}", "other.env": ""})
    assert names(tmp_path) == []


def test_folders_of_a_build_next_to_another_repository(tmp_path: Path) -> None:
    text = """
services:
  web: {build: {context: "https://git.example.org/app.git", additional_contexts: {assets: ./assets, base: "docker-image://a:1"}}}
  api: {build: {context: ./api, additional_contexts: ["lib=./lib", "up=../lib"]}}
"""
    put(tmp_path, {"docker-compose.yml": text, "assets/a": "", "api/Dockerfile": "", "lib/a": ""})
    found = find_references(tmp_path, ["docker-compose.yml"], {})
    assert found.contexts == {"assets": [], "lib": [], "api": ["Dockerfile"]}


def test_a_stack_without_compose_files(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1")
    assert find_references(tmp_path, [], {}).files == [".env"]


def test_files_of_variables_and_labels(tmp_path: Path) -> None:
    text = """
services:
  web: &web {image: a, env_file: web.env, label_file: [a.labels]}
  api: {<<: *web, env_file: [{path: ./conf/api.env, required: false}, missing.env, "${WHERE}.env"]}
  reset: {env_file: !reset [], environment: !override {A: b}}
"""
    files = ("web.env", "a.labels", "conf/api.env", ".env", "unused.env")
    put(tmp_path, {"docker-compose.yml": text, **dict.fromkeys(files, "")})
    assert names(tmp_path) == [".env", "a.labels", "conf/api.env", "web.env"]


def test_paths_start_at_the_folder_of_the_first_file(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "deploy/a.yml": "services: {web: {image: a, env_file: app.env}}",
            "overlay/b.yml": "services: {web: {env_file: more.env}}",
            **dict.fromkeys(("app.env", ".env", "overlay/more.env"), ""),
            **dict.fromkeys(("deploy/app.env", "deploy/.env", "deploy/more.env"), ""),
        },
    )
    assert names(tmp_path, "deploy/a.yml", "overlay/b.yml") == ["deploy/.env", "deploy/app.env", "deploy/more.env"]


def test_included_and_extended_files_are_followed(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "docker-compose.yml": (
                "include: [db/compose.yml, {path: [cache/a.yml], project_directory: shared, env_file: cache.env}]\n"
                "services: {web: {extends: {file: base/web.yml, service: web}}}"
            ),
            "db/compose.yml": "services: {db: {image: a, env_file: db.env}}\ninclude: [../docker-compose.yml]",
            "cache/a.yml": "services: {cache: {image: a, env_file: x.env}}",
            "base/web.yml": "services: {web: {image: a, env_file: web.env}}",
            **dict.fromkeys(("db/db.env", "db/.env", "shared/x.env", "cache.env", "base/web.env", "web.env"), ""),
        },
    )
    expected = ["base/web.env", "base/web.yml", "cache.env", "cache/a.yml", "db/.env", "db/compose.yml", "db/db.env"]
    assert names(tmp_path) == [*expected, "shared/x.env"]


def test_nothing_outside_of_the_folder_is_sent(tmp_path: Path) -> None:
    app = tmp_path / "app"
    text = "services: {web: {image: a, env_file: [../secret.env, link.env, /etc/hostname]}}"
    put(app, {"docker-compose.yml": text})
    (tmp_path / "secret.env").write_text("A=1")
    (app / "link.env").symlink_to(tmp_path / "secret.env")
    found = find_references(app, ["docker-compose.yml"], {})
    assert found.files == []
    assert found.outside == ["../secret.env", "link.env"]
    assert found.outside_files == [("web", "env_file", "/etc/hostname")]


def test_mounted_files_and_folders_and_secrets(tmp_path: Path) -> None:
    text = """
services:
  web:
    volumes:
      - ./conf/app.ini:/app.ini
      - "${WHERE:-./static}:/static:ro"
      - ${ROOT}/media:/media
      - "${UNKNOWN}:/unknown"
      - {type: bind, source: long, target: /long}
      - .:/code
      - named:/data
      - ../outside:/outside
      - /etc/hosts:/etc/hosts
configs: {motd: {file: ./motd}, inline: {content: a}}
secrets: {key: {file: secrets/key}, missing: {file: secrets/missing}, other: {file: ../other}, env: {environment: A}}
"""
    put(tmp_path, {"app/docker-compose.yml": text, "app/.env": "ROOT=./files", "app/secrets/key": "k", "other": "o"})
    found = find_references(tmp_path / "app", ["docker-compose.yml"], {})
    assert found.mounted == ["conf/app.ini", "static", "files/media", "long", "", "motd"]
    assert found.secrets == {"key": "secrets/key"}
    assert find_references(tmp_path / "app", ["docker-compose.yml"], {"ROOT": "./b"}).mounted[2] == "b/media"


@pytest.mark.parametrize("text", ["a: [", "- a", "services: [a]", "services: {web: 1}", "include: [{}, 1]", ""])
def test_files_that_compose_rejects_have_no_references(tmp_path: Path, text: str) -> None:
    put(tmp_path, {"docker-compose.yml": text})
    assert names(tmp_path) == []


@pytest.mark.usefixtures("real_compose")
def test_compose_needs_no_other_files(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    put(
        source,
        {
            "deploy/docker-compose.yml": (
                "include: [../db/compose.yml]\n"
                "services: {web: {image: 'a:1', env_file: [app.env, {path: no.env, required: false}], "
                "environment: {P: '${P}'}}, api: {extends: {file: ../base/api.yml, service: api}}}"
            ),
            "deploy/app.env": "A=1",
            "deploy/.env": "P=secret",
            "base/api.yml": "services: {api: {image: 'b:1', env_file: api.env}}",
            "base/api.env": "B=2",
            "db/compose.yml": "services: {db: {image: 'c:1', env_file: db.env, environment: {V: '${V}'}}}",
            "db/db.env": "C=3",
            "db/.env": "V=4",
        },
    )
    compose = ["deploy/docker-compose.yml"]
    found = [*compose, *find_references(source, compose, {}).files]
    compose_cli.write_sources({name: (source / name).read_text() for name in found}, target)
    files = compose_cli.read_files(target, compose, {})
    assert {name: service["environment"] for name, service in files.content["services"].items()} == {
        "web": {"A": "1", "P": "secret"},
        "api": {"B": "2"},
        "db": {"C": "3", "V": "4"},
    }
    assert files.unset == ()
