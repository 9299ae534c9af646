from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeEngine, container

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import process

Programs = Callable[[str, str], None]
UNIT = process.SystemdProcess("po-proxy.service")
UP = "echo MainPID=$PPID; echo ActiveState=active"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Put programs on the path that do what a test says, in shell."""
    monkeypatch.setattr(process, "ENVIRONMENT", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def install(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    return install


def test_the_role_said_where_the_proxy_runs() -> None:
    engine = FakeEngine()
    inside = process.process_for({"container": "po-proxy"}, engine)  # type: ignore[arg-type]
    unit = process.process_for({"unit": "po-proxy.service"}, engine)  # type: ignore[arg-type]
    assert (type(inside), inside.log_command) == (process.ContainerProcess, "docker logs po-proxy")
    assert (type(unit), unit.log_command) == (process.SystemdProcess, "journalctl --unit po-proxy.service")


def test_a_container_is_asked_of_the_engine() -> None:
    engine = FakeEngine()
    place = process.process_for({"container": "po-proxy"}, engine)  # type: ignore[arg-type]
    assert not place.is_up()
    engine.start(container("po-proxy", state="restarting"))
    assert not place.is_up()
    engine.start(container("po-proxy"))
    assert place.is_up()
    engine.inside = lambda command: (3, " ".join(command))
    assert place.run(["haproxy", "-c"]) == (3, "haproxy -c")
    engine.written["po-proxy"] = ["one", "two", "three"]
    assert place.logs(2) == ["two", "three"]


@pytest.mark.parametrize(
    ("said", "up"),
    [
        ("MainPID=7\nActiveState=active", True),
        ("MainPID=7\nActiveState=reloading", True),
        ("MainPID=7\nActiveState=activating", False),
        ("MainPID=0\nActiveState=inactive", False),
    ],
)
def test_a_unit_is_asked_of_systemd(programs: Programs, said: str, up: bool) -> None:
    programs("systemctl", f"printf %s {shlex.quote(said)}")
    assert UNIT.is_up() is up


def test_a_command_runs_with_the_mounts_and_the_user_of_the_unit(programs: Programs) -> None:
    programs("systemctl", UP)
    # What it writes can be opened once more, as nginx does with /dev/stdout.
    programs("nsenter", 'echo "$@" >> /dev/stdout; echo error >&2; exit 4')
    code, words = UNIT.run(["haproxy", "-c"])
    line, error = words.splitlines()
    assert (code, error) == (4, "error")
    assert line.startswith(f"--target={os.getpid()} --mount -- setpriv --reuid={os.getuid()} --regid={os.getgid()} ")
    assert line.endswith(" --ambient-caps=-all,+net_bind_service -- haproxy -c")


def test_nothing_runs_where_the_unit_does_not(programs: Programs) -> None:
    programs("systemctl", "echo MainPID=0; echo ActiveState=failed")
    with pytest.raises(SwitchyardError, match=r"systemctl status po-proxy\.service"):
        UNIT.run(["haproxy", "-c"])


def test_the_log_of_a_unit_is_in_the_journal(programs: Programs) -> None:
    programs("journalctl", 'echo "$@"; echo second')
    asked, second = UNIT.logs(20)
    assert asked == "--unit=po-proxy.service --lines=20 --output=cat --no-pager"
    assert second == "second"


def test_a_unit_is_removed_with_its_files(programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "UNITS", tmp_path)
    described = tmp_path / "po-proxy.service"
    described.touch()
    programs("systemctl", f"echo $* >> {tmp_path}/said")
    UNIT.remove()
    assert (tmp_path / "said").read_text().splitlines() == ["disable --now -- po-proxy.service", "daemon-reload"]
    assert not described.exists()
    # A second time nothing is left to do.
    UNIT.remove()
    assert len((tmp_path / "said").read_text().splitlines()) == 2


def test_a_program_that_fails_or_is_missing_is_reported(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs("systemctl", "echo Failed to connect to bus; exit 1")
    with pytest.raises(SwitchyardError, match="systemctl ended with exit code 1: Failed to connect to bus"):
        UNIT.is_up()
    monkeypatch.setattr(process, "ENVIRONMENT", {"PATH": "/nowhere"})
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SwitchyardError, match="journalctl cannot be started: No such file"):
        UNIT.logs(1)


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/po-proxy.service\n", "po-proxy.service"),
        ("1:name=systemd:/system.slice/po-proxy.service\n0::/\n", "po-proxy.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", ""),
    ],
)
def test_a_process_belongs_to_a_unit(tmp_path: Path, cgroup: str, unit: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(cgroup)
    assert process.unit_of(7, tmp_path) == unit
    assert process.unit_of(8, tmp_path) == ""
