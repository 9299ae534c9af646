from __future__ import annotations

import typing as t

import pytest
from fakes import COMPOSE, Machine, container, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import service_roles
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput


@pytest.fixture(autouse=True)
def _compose(docker: t.Callable[[str], t.Any]) -> None:
    docker(COMPOSE)


def check(machine: Machine, spec: StackInput) -> list[str]:
    return [str(problem) for problem in service_roles.check(StackCheckContext(HostCheckContext(machine.host), spec))]


@pytest.mark.parametrize("stack", [{}, {"inner": ["db"]}, {"workers": ["db"]}])
def test_an_accessory_that_runs_keeps_its_role(machine: Machine, stack: dict[str, t.Any]) -> None:
    machine.engine.start(container("po-shop-db-prod", labels={"service": "db", "role": "accessory"}))
    assert check(machine, given(normalised(web={}, db={}), **stack)) == [
        "switchyard_stacks[shop].accessories: db is not an accessory any more, and its accessory po-shop-db-prod still "
        "runs. Write accessories: [db] again, or end it before the release: docker stop po-shop-db-prod."
    ]
    assert check(machine, given(normalised(web={}, db={}), accessories=["db"])) == []
    # A service that left the Compose files cannot run twice.
    assert check(machine, given(normalised(web={}))) == []


@pytest.mark.parametrize("key", ["accessories", "workers", "inner"])
def test_a_stateful_service_with_a_declared_role(machine: Machine, key: str) -> None:
    spec = given(normalised(web={}, db={"image": "postgres:16"}), **{key: ["db"]})
    assert check(machine, spec) == []


def test_a_routed_service_may_write_a_volume(machine: Machine) -> None:
    spec = given(normalised(web={"volumes": [{"type": "volume", "source": "uploads", "target": "/uploads"}]}))
    assert check(machine, spec) == []


def test_an_accessory_may_change_its_role_when_it_has_stopped(machine: Machine) -> None:
    labels = {"service": "db", "role": "accessory"}
    machine.engine.start(container("po-shop-db-prod", labels=labels, state="exited"))
    assert check(machine, given(normalised(web={}, db={}))) == []


def test_a_written_volume_needs_a_declared_role(machine: Machine) -> None:
    mounts = [{"type": "volume", "source": "data", "target": "/data"}]
    (line,) = check(machine, given(normalised(web={}, files={"volumes": mounts})))
    assert line.startswith("switchyard_stacks[shop].compose.services.files: writes the volume data; two colors")
