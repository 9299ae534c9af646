from __future__ import annotations

import os
from pathlib import Path

from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release import secret_files


def test_a_secret_has_a_path_of_its_content_under_the_key_of_the_server(machine: Machine) -> None:
    def path(key: str, **stack: int) -> str:
        return secret_files.paths_of(machine.ctx, given(secrets={"key": key, "b": "1"}, **stack))["key"]

    assert path("x") == path("x")
    assert len({path("x"), path("y"), path("x", secrets_owner=5)}) == 3
    before = path("x")
    (machine.root / "proxy" / "server-preview.key").write_text("another key")
    assert path("x") != before


def test_every_user_of_a_container_reads_a_secret_and_only_root_of_the_server(machine: Machine) -> None:
    spec = given(secrets={"key": "x"})
    secret_files.write(machine.ctx, spec)
    path = Path(secret_files.paths_of(machine.ctx, spec)["key"])
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("x", 0o444)
    assert {folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent)} == {0o700}
    before = path.stat().st_ino
    secret_files.write(machine.ctx, spec)
    assert path.stat().st_ino == before


def test_one_user_reads_the_secrets_of_a_stack_that_names_it(machine: Machine) -> None:
    spec = given(secrets={"key": "x"}, secrets_owner=os.getuid())
    secret_files.write(machine.ctx, spec)
    stat = Path(secret_files.paths_of(machine.ctx, spec)["key"]).stat()
    assert (stat.st_mode & 0o777, stat.st_uid) == (0o400, os.getuid())


def test_secrets_that_nothing_uses_are_removed(machine: Machine) -> None:
    secret_files.prune(machine.ctx, ())
    old, new = given(secrets={"key": "old"}), given(secrets={"key": "new"})
    paths = [Path(secret_files.paths_of(machine.ctx, spec)["key"]) for spec in (old, new)]
    for spec in (old, new):
        secret_files.write(machine.ctx, spec)
    secret_files.prune(machine.ctx, {paths[1].parent.name})
    assert [path.exists() for path in paths] == [False, True]
