from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.switchyard.stacks.plugins.plugin_utils.problem_files import file_of, with_files

INVENTORY = """switchyard_project: po
switchyard_stacks:
  - name: blog
    source: {path: blog}
  - name: shop
    source: {path: shop}
    routes:
      - service: web
        port: 8000
        hosts:
          - shop.example.org
    rotes: []
    secrets:
      key: changeme
"""
FILES = {"switchyard_stacks[shop]": "app/docker-compose.yml"}


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("switchyard_project", 1),
        ("switchyard_stacks[shop].secrets.key", 14),
        ("switchyard_stacks[shop].routes[0].hosts", 11),
        ("switchyard_stacks[1].routes[0].hosts[0]", 11),
        # A key that is missing, or that has no value with a place, is in its mapping.
        ("switchyard_stacks[shop].postgres.password", 5),
    ],
)
def test_the_line_of_a_key(where: str, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "main.yml"
    path.write_text(INVENTORY)
    variables = DataLoader().load_from_file(str(path))
    assert file_of(where, variables, FILES) == f"{path}:{line}"
    monkeypatch.chdir(tmp_path)
    assert file_of(where, variables, FILES) == f"main.yml:{line}"


def test_a_key_of_compose_files() -> None:
    where = "switchyard_stacks[shop].compose.services.web.image"
    assert file_of(where, {}, FILES) == "app/docker-compose.yml"
    assert file_of("switchyard_stacks[blog].compose.services.web", {}, FILES) == ""


def test_a_problem_of_a_server_has_no_file() -> None:
    assert with_files([{"where": "server"}], {"switchyard_project": "po"}, FILES) == [{"where": "server", "file": ""}]
    # A value that no file has
    assert file_of("switchyard_stacks[shop].name", {"switchyard_stacks": [{"name": "shop"}]}, FILES) == ""
