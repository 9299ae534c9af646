from __future__ import annotations

import stat
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.file_changes import (
    plan_changes,
    write_changes,
)


def test_files_are_created_kept_and_replaced_only_on_request(tmp_path: Path) -> None:
    for name, text in (("same.yml", "a\n"), ("other.yml", "mine\n"), ("vault.yml", "secret\n"), ("ansible.cfg", "x\n")):
        (tmp_path / name).write_text(text)
    files = {tmp_path / name: "a\n" for name in ("new/a.yml", "same.yml", "other.yml", "vault.yml", "ansible.cfg")}
    changes, problems = plan_changes(files, overwrite=False)
    assert [(problem.where, problem.code) for problem in problems] == [(str(tmp_path / "other.yml"), "new.exists")]
    changes, problems = plan_changes(files, overwrite=True)
    assert problems == []
    assert [change.action for change in changes] == ["created", "unchanged", "replaced", "kept", "kept"]
    write_changes(changes)
    assert (tmp_path / "new/a.yml").read_text() == (tmp_path / "other.yml").read_text() == "a\n"
    assert (tmp_path / "vault.yml").read_text() == "secret\n"
    changes, _problems = plan_changes(files, overwrite=True)
    assert not any(change.changes for change in changes)


def test_only_the_owner_reads_a_new_vault(tmp_path: Path) -> None:
    changes, _problems = plan_changes({tmp_path / "vault.yml": "a\n", tmp_path / "main.yml": "a\n"}, overwrite=False)
    write_changes(changes)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("vault.yml", "main.yml")]
    assert modes == [0o600, 0o644]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").mkdir()
    (tmp_path / "main.yml").write_bytes(b"\xff\xfe")
    changes, problems = plan_changes({tmp_path / name: "a\n" for name in ("hosts.yml", "main.yml")}, overwrite=True)
    assert changes == []
    assert [problem.code for problem in problems] == ["new.folder", "new.folder"]


def test_a_folder_that_is_a_file_is_a_problem_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "inventories").write_text("")
    files = {tmp_path / name: "a\n" for name in ("ansible.cfg", "inventories/prod/hosts.yml")}
    _changes, problems = plan_changes(files, overwrite=False)
    assert [(problem.where, problem.message) for problem in problems] == [
        (str(tmp_path / "inventories"), "is not a folder")
    ]
