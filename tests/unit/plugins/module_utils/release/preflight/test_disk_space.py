"""The free space for images, releases and backups; test_checks_of_servers.py has the rest."""

from __future__ import annotations

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import disk_space
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext


def test_the_next_backups_fit() -> None:
    assert disk_space.backup_problems("/var/backups", 10, {"shop": 4, "blog": 6}) == []
    assert disk_space.backup_problems("/var/backups", 0, {}) == []


def test_the_next_backups_do_not_fit() -> None:
    (problem,) = disk_space.backup_problems("/var/backups", 2**30, {"shop": 2**30, "blog": 2**30})
    assert (problem.code, problem.severity) == ("server.backup_space", "warning")
    assert problem.message == "/var/backups has 1.0 GiB free, and the last backups of shop, blog have 2.0 GiB"


def test_one_file_system_is_one_problem(machine: Machine) -> None:
    machine.engine.folder = str(machine.root)
    (machine.root / "backups").mkdir()
    found = disk_space.check(HostCheckContext(machine.host, 2**60))
    assert [problem.code for problem in found] == ["server.disk_space"]
