from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes import HOST, Machine, colored, container, given, normalised, worker

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container
from ansible_collections.switchyard.stacks.plugins.module_utils.release import plan as release_plan
from ansible_collections.switchyard.stacks.plugins.module_utils.release.fingerprint import fingerprint_of
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import state as migration_state
from ansible_collections.switchyard.stacks.plugins.module_utils.release.plan import ReleasePlan, StackState
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_state import read_state

CELERY = normalised(web={}, celery={})


@pytest.fixture(autouse=True)
def _images(machine: Machine) -> None:
    machine.engine.__init__(images=["reg/web:1", "reg/celery:1"])  # type: ignore[misc]


def state(machine: Machine, spec: StackInput) -> StackState:
    content = json.loads(spec.sources["docker-compose.yml"])
    return read_state(machine.ctx, machine.proxy.state, content, spec.stack)


def plan(machine: Machine, spec: StackInput) -> ReleasePlan:
    content = json.loads(spec.sources["docker-compose.yml"])
    images = {service["image"] for service in content["services"].values()}
    pinned = {name: image.pinned for name in images if (image := machine.engine.image(name))}
    digest = fingerprint_of(machine.ctx, content, spec, pinned)
    return release_plan.deploy("shop", digest, sorted(images - set(pinned)), state(machine, spec))


def test_a_stack_that_was_never_released(machine: Machine) -> None:
    assert state(machine, given()) == StackState(None, None, None, False, frozenset(), routes_known=True)


def test_a_live_release_that_is_up_to_date(machine: Machine) -> None:
    record = machine.deployed("green", given())
    expected = StackState("green", record, None, True, frozenset({record.fingerprint}), routes_known=True)
    assert state(machine, given()) == expected
    assert (plan(machine, given()).action, plan(machine, given()).color) == ("none", "green")


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (given(normalised(web={"environment": {"A": "2"}})), "the running release differs"),
        (given(normalised(web={"image": "reg/web:2"})), "reg/web:2 is not on the server yet"),
        (given(routes=[{"service": "web", "port": 9000, "hosts": [HOST]}]), "the proxy does not have these routes"),
        (given(routes=[{"service": "web", "port": 8000, "hosts": [HOST, "b.org"]}]), "the proxy does not have these"),
        (given(CELERY, workers=["celery"]), "the running release differs"),
    ],
)
def test_a_change_makes_a_release(machine: Machine, new: StackInput, reason: str) -> None:
    machine.deployed("green", given())
    planned = plan(machine, new)
    assert (planned.action, planned.color) == ("release", "blue")
    assert any(line.startswith(reason) for line in planned.reasons), planned.reasons


def test_a_live_container_that_ended_is_not_healthy(machine: Machine) -> None:
    machine.deployed("green", given())
    machine.engine.start(replace(machine.engine.by_name["po-shop-web-prod-green"], state="exited"))
    assert not state(machine, given()).healthy
    assert plan(machine, given()).reasons == ("a container of the live release is not running: po-shop-web-prod-green",)


def test_a_worker_of_another_release_makes_a_release(machine: Machine) -> None:
    spec = given(CELERY, workers=["celery"])
    record = machine.deployed("green", spec, workers=1)
    machine.engine.start(worker(record.number, record.fingerprint))
    assert plan(machine, spec).action == "none"
    machine.engine.start(worker(record.number, "older"))
    assert plan(machine, spec).action == "release"


def test_a_container_of_the_idle_color_does_not_count(machine: Machine) -> None:
    machine.deployed("green", given())
    machine.engine.start(colored("blue", 9, "newer", state="exited"))
    assert plan(machine, given()).action == "none"


def test_a_worker_of_a_failed_release_is_not_the_live_release(machine: Machine) -> None:
    machine.released("blue", state="superseded")
    machine.released("green", previous=1)
    machine.make_live("green")
    machine.engine.start(worker(3))
    current = read_state(machine.ctx, machine.proxy.state, {}, None)
    assert current.live_record
    assert current.warm_record
    assert (current.live_record.number, current.warm_record.number) == (2, 1)
    assert current.routes_known


def test_a_canary_is_the_release_on_the_idle_color_that_has_a_weight(machine: Machine) -> None:
    machine.released("blue")
    record = machine.released("green", state="paused", previous=1)
    machine.make_live("blue")
    assert state(machine, given()).canary is None
    machine.proxy.state = replace(machine.proxy.state, weights={"po.shop.prod": 5})
    current = state(machine, given())
    assert (current.canary, current.weight) == (record, 5)


def test_held_requests_and_an_interrupted_migration(machine: Machine) -> None:
    machine.deployed("green", given())
    machine.proxy.state = machine.proxy.state.with_availability(["po.shop.prod"], "held")
    migration_state.save_state(machine.ctx, migration_state.MigrationState(2, "breaking", "shop_prod"))
    current = state(machine, given())
    assert (current.held, current.interrupted) == (True, True)


def accessory(service: str) -> Container:
    return container(f"po-shop-{service}-prod", labels={"role": "accessory", "service": service})


def test_an_accessory_that_the_stack_no_longer_has_makes_no_release(machine: Machine) -> None:
    machine.engine.start(accessory("db"))
    record = machine.deployed("green", given())
    assert (record.accessories, state(machine, given()).healthy) == (0, True)
    assert plan(machine, given()).action == "none"


def test_an_accessory_of_the_stack_that_does_not_run_makes_a_release(machine: Machine) -> None:
    spec = given(normalised(web={}, db={"image": "reg/celery:1"}), accessories=["db"])
    machine.deployed("green", spec, accessories=1)
    machine.engine.start(accessory("cache"))
    assert plan(machine, spec).reasons == ("a container of the live release is not running",)
    machine.engine.start(accessory("db"))
    assert plan(machine, spec).action == "none"
