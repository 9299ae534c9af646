from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    client_container,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.client_container import ClientContainer

Docker = Callable[[str], Callable[[], list[str]]]


def test_a_program_that_fails_is_reported_with_its_words(docker: Docker) -> None:
    docker("echo 'no such file' >&2; exit 3")
    with pytest.raises(SwitchyardError, match="pg_restore ended with exit code 3: no such file"):
        ClientContainer("one", "image", {}, [], []).call(["pg_restore"])


def test_what_a_killed_run_left_may_go_by_itself(docker: Docker) -> None:
    docker("echo 'Error response from daemon: removal of container a is already in progress' >&2; exit 1")
    client_container.remove("a")
    docker("echo 'Error response from daemon: permission denied' >&2; exit 1")
    with pytest.raises(SwitchyardError, match="permission denied"):
        client_container.remove("a")
