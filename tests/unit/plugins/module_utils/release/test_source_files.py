from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import COMPOSE, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ComposeError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import source_files
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree

Docker = Callable[[str], Callable[[], list[str]]]


def test_a_folder_is_replaced_by_another_in_all_paths() -> None:
    moved = source_files.rebase_paths({"a": ["/tmp/x/b", {"c": "/tmp/x"}], "d": "tmp"}, "/tmp/x", "/source")
    assert moved == {"a": ["/source/b", {"c": "/source"}], "d": "tmp"}


def test_paths_of_the_stacks_own_files_do_not_name_the_temporary_folder(machine: Machine, docker: Docker) -> None:
    docker(
        'while [ "$1" != --project-directory ]; do shift; done\n'
        'test -f "$2/conf/app.ini" && echo "{\\"name\\": \\"$2/conf/app.ini\\", \\"host\\": \\"/srv/data\\"}"'
    )
    spec = given()
    spec = replace(spec, sources={**spec.sources, "conf/app.ini": "a"})
    expected = {"name": "/.switchyard-source/conf/app.ini", "host": "/srv/data"}
    assert source_files.read(machine.ctx, spec).content == expected


def test_files_in_place_are_used_where_they_are(tmp_path: Path, docker: Docker) -> None:
    docker(COMPOSE)
    (tmp_path / "docker-compose.yml").write_text('{"services": {}}')
    spec = given(strategy="in_place", source={"path": str(tmp_path)})
    assert source_files.read_in_place(spec).content == {"services": {}}
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/a.yml").write_text("{}")
    notes = docker(COMPOSE)
    source_files.read_in_place(replace(spec, stack=replace(spec.stack, compose=("deploy/a.yml",))))
    assert f"--project-directory {tmp_path}/deploy --file" in notes()[-1]
    docker("echo wrong >&2; exit 15")
    with pytest.raises(ComposeError, match=r"Compose rejects docker-compose\.yml: wrong"):
        source_files.read_in_place(spec)


def test_a_path_exists_on_the_server_or_among_the_stacks_own_files(tmp_path: Path) -> None:
    spec = replace(given(normalised()), tree=SourceTree({"conf": "d", "conf/app.ini": "f1"}))
    own = source_files.PLACEHOLDER
    assert source_files.exists(str(tmp_path), spec)
    assert not source_files.exists(str(tmp_path / "missing"), spec)
    assert [name for name in ("", "/conf", "/conf/app.ini") if not source_files.exists(own + name, spec)] == []
    assert [name for name in ("/con", "/conf/app", "/other", "2") if source_files.exists(own + name, spec)] == []
