from __future__ import annotations

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.foreign_files import check_foreign_files


def test_a_folder_without_foreign_files_is_not_validated(machine: Machine) -> None:
    assert check_foreign_files(machine.root, machine.proxy, machine.proxy.state) == []


def test_a_valid_foreign_file_is_accepted(machine: Machine) -> None:
    machine.proxy.foreign = {"99-other.cfg": ""}
    assert check_foreign_files(machine.root, machine.proxy, machine.proxy.state) == []


def test_an_invalid_foreign_file_is_a_problem_with_its_name(machine: Machine) -> None:
    machine.proxy.foreign = {"99-other.cfg": "unknown keyword 'fronted'.\n"}
    (problem,) = check_foreign_files(machine.root, machine.proxy, machine.proxy.state)
    assert problem.where == f"{machine.root}/proxy/conf.d"
    assert problem.message == "the proxy would not load its folder: unknown keyword 'fronted'"
    assert problem.hint == "Ask their owner to fix these files, which this collection did not write: 99-other.cfg"
