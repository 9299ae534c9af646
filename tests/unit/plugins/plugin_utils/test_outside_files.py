"""Files that Compose would read on the server as root: each way is refused, and is accepted with its allowance."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from fakes import checked

from ansible_collections.switchyard.stacks.plugins.plugin_utils.compose_references import MOST_FILES
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_files import read_stack_files

WHERE = "stacks[shop]"


def problems(folder: Path, text: str, **stack: t.Any) -> list[tuple[str, str]]:
    """The code and the key of each problem of a Compose file."""
    (folder / "docker-compose.yml").write_text(text)
    found = read_stack_files(folder, checked(**stack), WHERE).problems
    return [(problem.code, problem.where.replace(f"{WHERE}.", "")) for problem in found]


@pytest.mark.parametrize(
    ("text", "key", "path"),
    [
        ("services: {web: {env_file: /etc/shadow}}", "web.env_file", "/etc/shadow"),
        ("services: {web: {env_file: [{path: /etc/shadow, required: false}]}}", "web.env_file", "/etc/shadow"),
        ("services: {web: {env_file: '${A:-/etc}/shadow'}}", "web.env_file", "/etc/shadow"),
        ("services: {web: {env_file: ~/.ssh/config}}", "web.env_file", "~/.ssh/config"),
        ("services: {web: {label_file: /etc/labels}}", "web.label_file", "/etc/labels"),
        ("services: {web: {extends: {file: /srv/a.yml, service: web}}}", "web.extends", "/srv/a.yml"),
        ("services: {a: {image: b}}\n---\nservices: {web: {env_file: /etc/shadow}}", "web.env_file", "/etc/shadow"),
        ("x-a: &a {env_file: /etc/shadow}\nservices: {web: {<<: *a, image: b}}", "web.env_file", "/etc/shadow"),
        ("include: [https://example.org/a.git]", "include", "https://example.org/a.git"),
        ("include: ['git@example.org:a/b.git']", "include", "git@example.org:a/b.git"),
        ("include: [oci://example.org/a:1]", "include", "oci://example.org/a:1"),
        ("include: [github.com/a/b]", "include", "github.com/a/b"),
        ("include: [{path: a.yml, env_file: /etc/shadow}]", "include", "/etc/shadow"),
        ("include: [{path: a.yml, project_directory: /etc}]", "include", "/etc"),
    ],
)
def test_a_file_of_the_server_needs_its_allowance(text: str, key: str, path: str, tmp_path: Path) -> None:
    where = f"services.{key}" if "." in key else key
    assert problems(tmp_path, text) == [("compose.not_allowed", f"compose.{where}")]
    services = [key.split(".")[0], "*"] if "." in key else ["*"]
    for service in services:
        assert problems(tmp_path, text, allow={service: [f"file {path}"]}) == []
    (problem,) = read_stack_files(tmp_path, checked(allow={services[0]: ["gpu"]}), WHERE).problems
    name = '"*"' if services == ["*"] else "web"
    assert problem.hint.startswith(f'Copy it into source.path, or write allow: {{{name}: [gpu, "file {path}"]}}')


REFUSED = """
x-more: &more {env_file: [/etc/shadow], user: app}
services:
  web:
    <<: *more
    image: a  # the image
    ports: [22:22]
    restart: "no"
    env_file: !override [web.env, ../up.env]
  api: {<<: [*more], extends: {file: /srv/base.yml, service: api}, label_file: "${LABELS}"}
  db: {image: 'b', env_file: db.env}
---
services:
  db: {label_file: ../labels}
"""
KEPT = """
x-more: &more {user: app}
services:
  web:
    <<: *more
    image: a
    ports: [22:22]
    restart: "no"
  api:
    <<: [*more]
  db: {image: 'b', env_file: db.env}
---
services:
  db: {}
"""


def test_a_refused_file_is_never_in_what_the_server_checks(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(REFUSED)
    (tmp_path / "db.env").write_text("A=1")
    found = read_stack_files(tmp_path, checked(files=["conf"]), WHERE)
    assert [problem.code for problem in found.problems] == [
        *["compose.not_allowed"] * 2,
        "compose.path_unknown",
        *["stack.file_outside"] * 2,
        "stack.file_unreadable",
    ]
    assert found.readable
    assert found.follow_up == {("compose.image_missing", f"{WHERE}.compose.services.api.image")}
    assert set(found.sources) == {"docker-compose.yml", "db.env"}
    text = found.sources["docker-compose.yml"]
    # Compose reads 22:22 as a port and "no" as a text.
    assert '"no"' in text or "'no'" in text
    assert "22:22" in text
    events = [list(yaml.parse(one)) for one in (text, KEPT)]
    shown = [[(type(event), getattr(event, "value", None)) for event in one] for one in events]
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    "text",
    [
        "include: [https://example.org/a.git]",
        "include: [../other.yml]",
        "services: {web: {env_file: /etc/shadow}}\ninclude: [{path: a.yml, env_file: /etc/shadow}]",
        "services: {web: {env_file: /etc/shadow}, at: 2025-13-45}",
    ],
)
def test_files_that_compose_must_not_read_are_not_sent(text: str, tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(text)
    assert not read_stack_files(tmp_path, checked(), WHERE).readable


def test_an_environment_that_leads_out_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/.env").symlink_to(tmp_path / ".env")
    (tmp_path / ".env").write_text("A=1")
    (tmp_path / "app/docker-compose.yml").write_text("services: {web: {image: 'a:${A}'}}")
    found = read_stack_files(tmp_path / "app", checked(), WHERE)
    assert ([problem.code for problem in found.problems], found.readable) == (["stack.file_outside"], False)


def test_an_allowed_file_stays_in_the_texts(tmp_path: Path) -> None:
    text = "services: {web: {env_file: /etc/app.env}, api: {env_file: /etc/shadow}}"
    (tmp_path / "docker-compose.yml").write_text(text)
    found = read_stack_files(tmp_path, checked(allow={"web": ["file /etc/app.env"]}), WHERE)
    assert (len(found.problems), found.readable) == (1, True)
    assert "/etc/app.env" in found.sources["docker-compose.yml"]
    assert "/etc/shadow" not in found.sources["docker-compose.yml"]


@pytest.mark.parametrize("path", ["/etc/${A}shadow", "${A}", "${A:-${B}}.env"])
def test_a_path_that_only_compose_would_know_is_refused(path: str, tmp_path: Path) -> None:
    text = f"services: {{web: {{env_file: '{path}'}}}}"
    assert problems(tmp_path, text) == [("compose.path_unknown", "compose.services.web.env_file")]


def test_a_path_above_the_source_folder_is_refused_whether_it_exists_or_not(tmp_path: Path) -> None:
    text = f"services: {{web: {{env_file: {'../' * 12}etc/missing}}}}"
    assert problems(tmp_path, text) == [("stack.file_outside", "compose")]


def test_one_file_is_read_for_each_folder_where_its_paths_start(tmp_path: Path) -> None:
    (tmp_path / "deep/folder").mkdir(parents=True)
    (tmp_path / "common.yml").write_text("services: {web: {env_file: ../../app.env}}")
    text = "services: {web: {extends: {file: common.yml}}}"
    include = f"include: [{{path: common.yml, project_directory: deep/folder}}]\n{text}"
    assert problems(tmp_path, include) == [("stack.file_outside", "compose")]


def test_a_file_that_only_compose_can_read_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, "services: {web: {env_file: /etc/shadow}, at: 2025-13-45}") == [
        ("compose.invalid", "compose")
    ]


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 1):
        (tmp_path / f"{number}.yml").write_text(f"include: [{number + 1}.yml]")
    assert problems(tmp_path, "include: [0.yml]") == [("compose.invalid", "compose")]


def test_an_allowance_of_a_file_that_compose_does_not_read(tmp_path: Path) -> None:
    text = "services: {web: {env_file: app.env}}"
    assert problems(tmp_path, text, allow={"web": ["file /etc/app.env", "docker_socket"]}) == [
        ("stack.allow_unused", "allow.web")
    ]
