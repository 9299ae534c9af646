"""What the unit tests share."""

from __future__ import annotations

import json
import os
import shlex
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from fakes import HOST, Machine, application, checked
from fakes_haproxy import FakeMaster

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import networks

HEALTH = {"successes": 2, "interval": 0.01, "timeout": 1}


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, t.Any]]:
    """Call a module's main() as Ansible would, and return what it printed.

    run_module(bluegreen.main, {"stack": "bookings"}, check=True) -> {"changed": ..., ...}
    """

    def run(
        main: Callable[[], None], parameters: dict[str, t.Any], *, check: bool = False, diff: bool = False
    ) -> t.Any:
        arguments = {**parameters, "_ansible_check_mode": check, "_ansible_diff": diff}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            main()
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture(autouse=True)
def _no_routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the routes of the computer that runs the tests out of them: containers of the collection may run there."""
    monkeypatch.setattr(networks, "ROUTES", tmp_path / "no-routes")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a server of its own with the stack ``shop`` in the environment ``prod`` of the project ``po``."""
    return Machine(tmp_path)


@pytest.fixture
def master(tmp_path: Path) -> Iterator[FakeMaster]:
    """Give HAProxy's master socket in the folders that the role ``proxy`` makes."""
    for name in ("run", "maps", "conf.d", "staged"):
        (tmp_path / "proxy" / name).mkdir(parents=True)
    with FakeMaster(tmp_path / "proxy" / "run" / "master.sock").listening() as listening:
        yield listening


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Callable[[], list[str]]]:
    """Put a command ``docker`` on the path that notes its words and then does what a test says, in shell.

    Returns a function that gives the notes.
    """

    def install(script: str = "") -> Callable[[], list[str]]:
        folder, notes = tmp_path / "bin", tmp_path / "docker.log"
        folder.mkdir(exist_ok=True)
        command = folder / "docker"
        command.write_text(f'#!/bin/sh\necho "$*" >> {shlex.quote(str(notes))}\n{script}\n')
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return lambda: notes.read_text().splitlines() if notes.exists() else []

    return install


@pytest.fixture
def on_server(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """Let the modules find the machine's engine and proxy; return the options that every module needs."""
    from ansible_collections.switchyard.stacks.plugins.module_utils.release import context

    monkeypatch.setattr(context, "Engine", lambda: machine.engine)
    monkeypatch.setattr(context, "open_proxy", lambda root, engine: machine.proxy)
    return {"root": str(machine.root), "project": "po", "environment": "prod"}


@pytest.fixture
def served_stack() -> Iterator[dict[str, t.Any]]:
    """Give a stack whose service answers, on a port of this machine."""
    with application(lambda path, headers: (200, {}, "ok")) as port:
        route = {"service": "web", "port": port, "hosts": [HOST], "health": HEALTH}
        yield checked(routes=[route], smoke=[{"contains": "hello"}])


@pytest.fixture
def two_releases(machine: Machine, served_stack: dict[str, t.Any]) -> Machine:
    """Give a server with release 1 live on blue and release 2 idle on green."""
    machine.released("blue", served_stack)
    machine.released("green", served_stack, previous=1)
    machine.make_live("blue")
    return machine
