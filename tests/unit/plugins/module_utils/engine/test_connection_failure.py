from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.connection_failure import (
    connection_failure,
    user_name,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError


def failure_of(socket_path: Path, monkeypatch: pytest.MonkeyPatch) -> EngineError:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket_path}")
    with pytest.raises(EngineError) as caught:
        Engine()
    return caught.value


def test_an_engine_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = failure_of(tmp_path / "none.sock", monkeypatch)
    assert error.message.startswith("No container engine runs on this server (")
    assert error.hint == "Run setup.yml, which installs it."


def test_an_engine_that_has_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "old.sock"))
    error = failure_of(tmp_path / "old.sock", monkeypatch)
    assert error.message.startswith("The container engine does not run (")
    assert error.hint == "Run setup.yml, which starts it."


def test_a_user_who_may_not_use_the_socket() -> None:
    text = "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))"
    error = connection_failure(OSError(text))
    assert error.message == f"The container engine refuses the user {user_name()} ({text})."
    assert error.hint == "Set ansible_become: true for this server."


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_engine_of_another_user(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))
        listener.listen()
        child = os.fork()
        if not child:
            os.setuid(65534)
            os.environ["DOCKER_HOST"] = f"unix://{tmp_path}/docker.sock"
            try:
                Engine()
            except EngineError as error:
                os._exit(0 if "refuses the user" in error.message and "ansible_become" in error.hint else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
