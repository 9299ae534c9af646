"""The versions of the engine and of Compose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import server_versions
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext


@pytest.mark.parametrize(
    ("text", "version"),
    [("26.1.5+dfsg1", (26, 1, 5)), ("v2.26.1-4", (2, 26, 1)), ("2.40", (2, 40)), ("dev", ())],
)
def test_the_numbers_of_a_version(text: str, version: tuple[int, ...]) -> None:
    assert server_versions.parse(text) == version


@pytest.mark.parametrize(
    ("program", "text", "code"),
    [
        ("Docker Engine", "19.03.15", "server.version_too_old"),
        ("Docker Engine", "20.10.24+dfsg1", ""),
        ("Docker Engine", "24.0.1", "server.version_fault"),
        ("Docker Engine", "24.0.2", ""),
        ("Docker Engine", "24.0.3", "server.version_fault"),
        ("Docker Engine", "27.0.2", "server.version_fault"),
        ("Docker Engine", "28.0.1", ""),
        ("Docker Compose", "2.19.1", "server.version_too_old"),
        ("Docker Compose", "2.24.6", "server.version_fault"),
        ("Docker Compose", "v2.32.4", "server.version_fault"),
        ("Docker Compose", "2.33.0", ""),
        ("Docker Compose", "", ""),
    ],
)
def test_versions_that_are_too_old_or_have_a_fault(program: str, text: str, code: str) -> None:
    found = server_versions.problems({program: text})
    assert [problem.code for problem in found] == ([code] if code else [])
    assert all(text in problem.message and problem.where == "server" for problem in found)


def test_a_fault_is_a_warning_with_the_version_that_corrects_it() -> None:
    (problem,) = server_versions.problems({"Docker Engine": "27.0.1"})
    assert (problem.severity, problem.hint) == ("warning", "Install 27.0.3")
    assert problem.message == "Docker Engine 27.0.1 has a known fault: two networks can get the same subnet"


def test_compose_is_only_asked_by_a_thorough_run(
    machine: Machine, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("echo 2.19.0")
    assert server_versions.check(HostCheckContext(machine.host)) == []
    assert notes() == []
    (problem,) = server_versions.check(HostCheckContext(machine.host, thorough=True))
    assert (problem.message, problem.hint) == ("Docker Compose 2.19.0 is too old", "Install 2.20 or later")
    docker("exit 1")
    assert server_versions.check(HostCheckContext(machine.host, thorough=True)) == []


def test_the_engine_of_the_server_is_checked(machine: Machine) -> None:
    machine.engine.version_text = "18.09.1"
    (problem,) = server_versions.check(HostCheckContext(machine.host))
    assert (problem.code, problem.severity) == ("server.version_too_old", "error")
