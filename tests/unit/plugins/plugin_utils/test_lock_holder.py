from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils import lock_holder
from ansible_collections.switchyard.stacks.plugins.plugin_utils.lock_holder import ControllerProcess

OWN = f"{getpass.getuser()}@{socket.gethostname()}"
PROCESS = os.getppid()


@pytest.mark.parametrize(
    ("environment", "holder"),
    [
        ({}, f"{OWN} (process {PROCESS})"),
        ({"GITLAB_USER_LOGIN": "ann"}, f"{OWN} (process {PROCESS})"),
        (
            {"CI_JOB_URL": "https://git.example.org/jobs/7"},
            f"{OWN} (process {PROCESS}), https://git.example.org/jobs/7",
        ),
        (
            {"CI_JOB_URL": "https://git.example.org/jobs/7", "GITLAB_USER_LOGIN": "ann"},
            f"ann ({OWN}, process {PROCESS}), https://git.example.org/jobs/7",
        ),
        (
            {
                "GITHUB_RUN_ID": "12",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "po/shop",
                "GITHUB_ACTOR": "bob",
            },
            f"bob ({OWN}, process {PROCESS}), https://github.com/po/shop/actions/runs/12",
        ),
    ],
)
def test_who_releases(environment: dict[str, str], holder: str) -> None:
    assert lock_holder.lock_holder(lock_holder.own_process(environment)) == holder


def test_a_process_as_modules_take_it() -> None:
    process = ControllerProcess("runner", "ci", 7, "ann", "https://git.example.org/jobs/7")
    assert lock_holder.as_option(process) == {
        "user": "runner",
        "machine": "ci",
        "id": 7,
        "operator": "ann",
        "job": "https://git.example.org/jobs/7",
    }
    assert lock_holder.as_option(ControllerProcess("ann", "laptop", 7)) == {"user": "ann", "machine": "laptop", "id": 7}


def test_a_process_is_only_known_on_its_own_machine() -> None:
    own = lock_holder.own_process({})
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        other: dict[str, t.Any] = {"user": own.user, "machine": own.machine, "id": child.pid}
        assert lock_holder.state_of(other, own) == "runs"
        assert lock_holder.state_of({**other, "machine": "another"}, own) == "unknown"
        assert lock_holder.state_of({**other, "user": "another"}, own) == "unknown"
        assert lock_holder.state_of(None, own) == "unknown"
        child.kill()
    assert lock_holder.state_of(other, own) == "ended"
