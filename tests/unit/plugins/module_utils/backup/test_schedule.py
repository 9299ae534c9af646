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

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import offsite_restic, schedule
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.schedule import ScheduleSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


def wish(root: Path, **changes: t.Any) -> ScheduleSpec:
    jobs = [{"stack": "shop", "password": "marker-server"}]
    plain = ScheduleSpec(root, "po", "prod", jobs, at="03:30", python="/usr/bin/python3")
    return dataclasses.replace(plain, **changes)


class System:
    """A systemd that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.active: set[str] = set()

    def systemctl(self, *words: str) -> None:
        self.told.append(" ".join(words))
        if words[0] == "restart":
            self.active.add(words[1])
        if words[0] == "disable":
            self.active.discard(words[-1])


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    made = System()
    monkeypatch.setattr(schedule, "_systemctl", made.systemctl)
    monkeypatch.setattr(schedule, "_active", lambda timer: timer in made.active)
    monkeypatch.setattr(schedule, "_systemd", lambda: True)
    return made


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    return tmp_path / "etc"


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong = wish(Path("/var/my data"), at="noon", check_at="25:00", parts=0, password="p", credentials={"A B": "x"})
    assert [one.where for one in wrong.problems()] == [
        *("at", "check_at", "check_at", "repository, password", "check_parts", "root", "credentials"),
    ]
    with pytest.raises(SwitchyardError, match="noon is no time of a day"):
        schedule.install(wrong, etc=tmp_path)


def test_a_timer_stands_and_a_second_time_nothing_changes(tmp_path: Path, etc: Path, system: System) -> None:
    looked = schedule.install(wish(tmp_path), check=True, etc=etc)
    assert not etc.exists()
    done = schedule.install(wish(tmp_path), etc=etc)
    assert (looked["changed"], looked["diff"]) == (True, done["diff"])
    timer = (etc / "systemd/system/switchyard-backup-po-prod.timer").read_text()
    assert "OnCalendar=*-*-* 03:30:00" in timer
    service = (etc / "systemd/system/switchyard-backup-po-prod.service").read_text()
    assert f"ExecStart=/usr/bin/python3 {tmp_path}/backups/po-prod/.program/backup.pyz\n" in service
    assert system.told == [
        *("daemon-reload", "enable switchyard-backup-po-prod.timer", "restart switchyard-backup-po-prod.timer"),
    ]
    assert not schedule.install(wish(tmp_path), etc=etc)["changed"]
    # A timer that somebody stopped is started again.
    system.active.clear()
    assert schedule.install(wish(tmp_path), etc=etc)["changed"]


def test_another_time_and_none_any_more(tmp_path: Path, etc: Path, system: System) -> None:
    schedule.install(wish(tmp_path), etc=etc)
    changed = schedule.install(wish(tmp_path, at="04:00"), etc=etc)
    assert "-OnCalendar" not in changed["diff"]["after"]
    assert "04:00" in changed["diff"]["after"]
    assert system.told[-1] == "restart switchyard-backup-po-prod.timer"
    schedule.install(wish(tmp_path, at=None, jobs=()), etc=etc)
    assert list((etc / "systemd/system").iterdir()) == []
    assert system.active == set()
    assert not schedule.install(wish(tmp_path, at=None, jobs=()), etc=etc)["changed"]


def test_what_holds_secrets_is_for_root_alone_and_in_no_diff(tmp_path: Path, etc: Path, system: System) -> None:
    system_copies: list[str] = []
    asked = wish(tmp_path, repository="rest:https://marker-url@host/", password="marker-copies", credentials={"A": "b"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            offsite_restic.OffsiteRepository, "begin", lambda self: bool(system_copies.append(self.owner)) or True
        )
        result = schedule.install(asked, etc=etc)
        assert (result["begun"], system_copies) == (True, ["po-prod"])
        # It is not asked each time.
        assert not schedule.install(asked, etc=etc)["changed"]
    assert "marker" not in json.dumps(result)
    folder = tmp_path / "backups" / "po-prod"
    for path in [*(folder / ".program").iterdir(), *(folder / ".copies").iterdir()]:
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert {one.stat().st_mode & 0o777 for one in (folder, folder / ".program", folder / ".copies")} == {0o700}


def test_a_repository_that_does_not_answer_is_asked_again(tmp_path: Path, etc: Path, system: System) -> None:
    def broken(self: offsite_restic.OffsiteRepository) -> bool:
        raise SwitchyardError("restic cat ended with exit code 1: wrong password")

    asked = wish(tmp_path, repository="/far", password="p")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offsite_restic.OffsiteRepository, "begin", broken)
        for _time in (1, 2):
            with pytest.raises(SwitchyardError, match="wrong password"):
                schedule.install(asked, etc=etc)


def test_cron_where_there_is_no_systemd(
    tmp_path: Path, etc: Path, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_systemd", lambda: False)
    monkeypatch.setattr(offsite_restic.OffsiteRepository, "begin", lambda self: False)
    asked = wish(tmp_path, repository="/far", password="p", check_at="05:05")
    schedule.install(asked, etc=etc)
    program = tmp_path / "backups/po-prod/.program/backup.pyz"
    assert (etc / "cron.d/switchyard-backup-po-prod").read_text().splitlines()[1:] == [
        f"30 3 * * * root /usr/bin/python3 {program}",
        f"5 5 * * 0 root /usr/bin/python3 {program} check",
    ]
    assert system.told == []
    assert not (etc / "systemd").exists()


def test_the_program_runs_without_ansible(tmp_path: Path) -> None:
    content = schedule.packed()
    assert content == schedule.packed()
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"__main__.py", "switchyard/backup/timer_main.py", "switchyard/atomic_file.py"} <= set(names)
    path = tmp_path / "backup.pyz"
    path.write_bytes(content)
    done = subprocess.run([sys.executable, "-I", path], capture_output=True, text=True, check=False)
    assert (done.returncode, "usage:" in done.stdout, done.stderr) == (2, True, "")
