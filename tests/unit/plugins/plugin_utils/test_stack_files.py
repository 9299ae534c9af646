from __future__ import annotations

from pathlib import Path

from fakes import checked

from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_files import read_stack_files


def test_texts_mounted_files_and_secrets(tmp_path: Path) -> None:
    text = "services: {web: {env_file: web.env, volumes: ['./conf:/conf:ro']}}\nsecrets: {key: {file: key}}"
    for name, content in {"docker-compose.yml": text, "web.env": "A=1", "key": "k", "extra/b": "b"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "conf").mkdir()
    found = read_stack_files(tmp_path, checked(files=["extra"]), "stacks[shop]")
    assert found.sources == {"docker-compose.yml": text, "web.env": "A=1"}
    assert list(found.tree) == ["conf", "extra", "extra/b"]
    assert found.secrets == {"key": "k"}
    assert found.problems == []
    assert "A=1" not in repr(found)


def test_what_cannot_be_sent_has_the_way_to_leave_it_out(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {web: {volumes: ['./data:/data']}}")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/python").symlink_to("/usr/bin/python3")
    (problem,) = read_stack_files(tmp_path, checked(), "stacks[shop]").problems
    assert (problem.where, problem.message) == ("stacks[shop].files", "data/python leads out of source.path")
    assert "'!path' in files" in problem.hint
    assert read_stack_files(tmp_path, checked(files=["!data/python"]), "stacks[shop]").problems == []


def test_a_text_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_bytes(b"\xff")
    (problem,) = read_stack_files(tmp_path, checked(), "stacks[shop]").problems
    assert problem.message.endswith("docker-compose.yml cannot be read (it is not a text)")


def test_another_name_of_the_compose_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: a}}")
    (problem,) = read_stack_files(tmp_path, checked(), "stacks[shop]").problems
    assert (problem.where, problem.hint) == ("stacks[shop].compose", "Write compose: [compose.yaml] in the stack")
    assert read_stack_files(tmp_path, checked(compose=["compose.yaml"]), "stacks[shop]").problems == []


def test_a_file_next_to_those_of_the_stack_is_named(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {web: {image: a}}")
    (tmp_path / ".env").write_text("COMPOSE_FILE=docker-compose.yml:prod.yml")
    found = read_stack_files(tmp_path, checked(), "stacks[shop]")
    assert found.problems == []
    assert [line.partition(",")[0] for line in found.unread] == ["COMPOSE_FILE also names prod.yml"]
    stack = checked(variables={"COMPOSE_FILE": "docker-compose.yml"})
    assert read_stack_files(tmp_path, stack, "stacks[shop]").unread == []
