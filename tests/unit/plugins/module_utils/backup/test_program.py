from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
import typing as t
import zipfile
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import offsite_restic, program
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.program import ProgramSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import backup_timer


def spec(root: Path, **changes: t.Any) -> ProgramSpec:
    backups = [{"stack": "shop", "password": "marker-server"}]
    plain = ProgramSpec(root, "po", "prod", backup_timer.__name__, backups, python="/usr/bin/python3")
    return dataclasses.replace(plain, **changes)


def test_all_invalid_options_are_reported_together(tmp_path: Path) -> None:
    wrong = spec(tmp_path, check_subset_count=0, password="p", credentials={"A B": "x"})
    assert [problem.where for problem in wrong.problems()] == [
        *("repository, repository_password", "check_subset_count", "credentials"),
    ]
    with pytest.raises(SwitchyardError, match="'A B' is not the name of an environment variable") as caught:
        program.install(wrong)
    assert [problem["code"] for problem in caught.value.details["problems"]] == [
        *("schedule.repository", "schedule.too_small", "schedule.credentials"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_program_is_installed_once(tmp_path: Path) -> None:
    checked = program.install(spec(tmp_path), check_mode=True)
    assert list(tmp_path.iterdir()) == []
    done = program.install(spec(tmp_path))
    assert (checked.changed, checked.diff, checked.command) == (True, done.diff, done.command)
    assert done.command == f"/usr/bin/python3 {tmp_path}/backups/po-prod/.program/backup.pyz"
    parameters = json.loads((tmp_path / "backups/po-prod/.program/parameters.json").read_text())
    assert (parameters["backups"][0]["stack"], parameters["check_subset_count"]) == ("shop", 10)
    assert not program.install(spec(tmp_path)).changed


def test_the_program_is_removed_when_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    program.install(spec(tmp_path))
    checked = program.install(spec(tmp_path, backups=()), check_mode=True)
    assert (tmp_path / "backups/po-prod/.program/backup.pyz").exists()
    done = program.install(spec(tmp_path, backups=()))
    assert (checked.changed, checked.diff) == (True, done.diff)
    assert list((tmp_path / "backups/po-prod/.program").iterdir()) == []
    assert not program.install(spec(tmp_path, backups=())).changed


def test_secrets_are_readable_by_root_only_and_in_no_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owners: list[str] = []
    desired = spec(
        tmp_path, repository="rest:https://marker-url@host/", password="marker-offsite", credentials={"A": "b"}
    )
    monkeypatch.setattr(
        offsite_restic.OffsiteRepository, "ensure_initialised", lambda self: bool(owners.append(self.owner)) or True
    )
    result = program.install(desired)
    assert (result.repository_created, owners) == (True, ["po-prod"])
    # The repository is not contacted in every run.
    assert not program.install(desired).changed
    assert owners == ["po-prod"]
    assert "marker" not in str(result)
    folder = tmp_path / "backups" / "po-prod"
    for path in [*(folder / ".program").iterdir(), *(folder / ".offsite").iterdir()]:
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / ".program", folder / ".offsite")} == {0o700}


def test_a_file_that_others_can_read_is_corrected(tmp_path: Path) -> None:
    program.install(spec(tmp_path))
    path = tmp_path / "backups/po-prod/.program/parameters.json"
    path.chmod(0o644)
    assert program.install(spec(tmp_path)).changed
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_repository_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: offsite_restic.OffsiteRepository) -> bool:
        raise SwitchyardError("restic cat ended with exit code 1: wrong password")

    monkeypatch.setattr(offsite_restic.OffsiteRepository, "ensure_initialised", broken)
    desired = spec(tmp_path, repository="/far", password="p")
    for _time in (1, 2):
        with pytest.raises(SwitchyardError, match="wrong password"):
            program.install(desired)


def test_the_program_runs_without_ansible(tmp_path: Path) -> None:
    content = program.packed(backup_timer.__name__)
    assert content == program.packed(backup_timer.__name__)
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"__main__.py", "switchyard/backup/timer_main.py", "switchyard/atomic_file.py"} <= set(names)
    path = tmp_path / "backup.pyz"
    path.write_bytes(content)
    done = subprocess.run([sys.executable, "-I", path], capture_output=True, text=True, check=False)
    assert (done.returncode, "usage:" in done.stdout, done.stderr) == (2, True, "")
