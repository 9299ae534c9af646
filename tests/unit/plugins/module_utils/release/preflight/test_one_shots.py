from __future__ import annotations

import typing as t

import pytest
from fakes import COMPOSE, HOST, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import one_shots
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)

ENDED = {"condition": "service_completed_successfully", "required": True}


@pytest.fixture(autouse=True)
def _compose(docker: t.Callable[[str], t.Any]) -> None:
    docker(COMPOSE)


def check(machine: Machine, services: dict[str, t.Any], **stack: t.Any) -> list[str]:
    context = StackCheckContext(HostCheckContext(machine.host), given(normalised(**services), **stack))
    return [f"{problem.code} {problem}" for problem in one_shots.check(context)]


def test_one_shots_in_a_good_order_have_no_problem(machine: Machine) -> None:
    services = {
        "web": {"depends_on": {"m": ENDED}},
        "m": {"depends_on": {"keys": ENDED}},
        "keys": {},
        "t": {"restart": "no"},
    }
    assert check(machine, services, migrate={"service": "m"}, after_migrate=[{"service": "t"}]) == []


@pytest.mark.parametrize("key", ["routes", "workers", "accessories", "inner"])
def test_a_service_whose_end_others_wait_for_has_no_role_in_which_it_runs_on(machine: Machine, key: str) -> None:
    services = {"web": {}, "api": {"depends_on": {"init": ENDED}}, "init": {"restart": "no"}}
    route = {"service": "init", "port": 80, "hosts": [HOST]}
    assert check(machine, services, **{key: [route] if key == "routes" else ["init"]}) == [
        f"stack.one_shot_role switchyard_stacks[shop].{key}: init runs on in this role, and its end is what api waits "
        f"for (service_completed_successfully). Remove init from {key}, or write condition: service_healthy in the "
        "Compose file."
    ]


@pytest.mark.parametrize("service", [{}, {"restart": "always"}, {"restart": "on-failure"}])
def test_a_job_without_a_command_needs_a_service_whose_command_ends(machine: Machine, service: dict[str, str]) -> None:
    services = {"web": {"restart": "no"}, "tool": service}
    assert check(machine, services, migrate={"service": "tool"}, after_migrate=[{"service": "web"}]) == [
        f"stack.command_missing switchyard_stacks[shop].{key}.command: is missing, and the Compose files do not say "
        f'that the own command of {name} ends. Write the command, or restart: "no" at a service {name} that has no '
        "other role."
        for key, name in (("migrate", "tool"), ("after_migrate[0]", "web"))
    ]
    command = {"command": ["x"]}
    assert (
        check(machine, services, migrate={"service": "tool", **command}, after_migrate=[{"service": "web", **command}])
        == []
    )


def test_a_job_whose_service_does_not_exist_is_the_problem_of_another_check(machine: Machine) -> None:
    assert check(machine, {"web": {}}, migrate={"service": "tool"}) == []


def test_jobs_that_run_before_what_they_wait_for(machine: Machine) -> None:
    services = {"web": {}, "m": {"restart": "no", "depends_on": {"seed": ENDED}}, "seed": {}}
    assert check(machine, services, migrate={"service": "m"}, after_migrate=[{"service": "seed"}]) == [
        "stack.one_shot_order switchyard_stacks[shop].after_migrate[0]: runs seed after m, which waits for its end "
        "(service_completed_successfully). Run seed first, or remove the dependency from m."
    ]
