from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils import unread_files

REST = ", and a release reads only the files in compose: add it there if servers need it"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    for name in ("docker-compose.yml", "docker-compose.override.yml", "deploy/compose.override.yaml", "prod.yml"):
        (tmp_path / name).write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("compose", "values", "found"),
    [
        (["docker-compose.yml"], {}, ["docker-compose.override.yml exists as well"]),
        (["docker-compose.yml", "docker-compose.override.yml"], {}, []),
        (["docker-compose.yml", "./docker-compose.override.yml"], {}, []),
        # Compose adds an override to a file with a default name only.
        (["prod.yml"], {}, []),
        (["deploy/compose.yaml"], {}, ["deploy/compose.override.yaml exists as well"]),
        (["docker-compose.yml"], {"COMPOSE_FILE": "docker-compose.yml:prod.yml"}, ["COMPOSE_FILE also names prod.yml"]),
        (
            ["a.yml"],
            {"COMPOSE_FILE": "b.yml,c.yml", "COMPOSE_PATH_SEPARATOR": ","},
            ["COMPOSE_FILE also names b.yml, c.yml"],
        ),
        (["deploy/compose.yaml"], {"COMPOSE_FILE": "compose.yaml"}, []),
        ([], {}, []),
    ],
)
def test_what_compose_would_read_as_well(
    folder: Path, compose: list[str], values: dict[str, str], found: list[str]
) -> None:
    assert unread_files.unread_files(folder, compose, values) == [f"{what}{REST}" for what in found]


def test_the_file_that_compose_finds_by_itself(folder: Path) -> None:
    assert unread_files.default_file(folder) == "docker-compose.yml"
    assert unread_files.default_file(folder / "deploy") is None
    (folder / "compose.yaml").write_text("{}")
    assert unread_files.default_file(folder) == "compose.yaml"
