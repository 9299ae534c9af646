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


def test_a_written_path_of_the_server_needs_a_declared_role(machine: Machine) -> None:
    mounts = [{"type": "bind", "source": "/srv/data", "target": "/data"}]
    (line,) = check(machine, given(normalised(web={"volumes": mounts}, files={"volumes": mounts})))
    assert line.startswith("switchyard_stacks[shop].compose.services.files: writes /srv/data on the server; two colors")


WAITS = {
    "init": "service_completed_successfully",
    "web": "service_healthy",
    "celery": "service_healthy",
}


@pytest.mark.parametrize("other", WAITS)
def test_a_service_that_starts_late_cannot_be_an_accessory(machine: Machine, other: str) -> None:
    volumes = [{"type": "volume", "source": "media", "target": "/media"}]
    waits = {other: {"condition": WAITS[other], "required": True}}
    spec = given(
        normalised(
            web={}, celery={}, init={}, last={"depends_on": {"init": {"condition": WAITS["init"]}}},
            api={"volumes": volumes, "depends_on": waits},
        ),
        workers=["celery"],
    )  # fmt: skip
    assert check(machine, spec) == [
        "switchyard_stacks[shop].compose.services.api: writes the volume media; two colors of it at the same time can "
        "destroy its data. Write workers: [celery, api] for one that each release replaces, or inner: [api] if it runs "
        f"safely in both colors. It waits for {other}, so it cannot be an accessory."
    ]


def test_a_data_store_that_starts_late_stays_an_accessory(machine: Machine) -> None:
    waits = {"init": {"condition": "service_completed_successfully"}}
    (line,) = check(machine, given(normalised(web={}, init={}, db={"image": "postgres:16", "depends_on": waits})))
    assert "Write accessories: [db] for one container" in line


MOUNTS = [
    {"type": "volume", "source": "objects", "target": "/data"},
    {"type": "bind", "source": "/srv/objects", "target": "/data"},
    {"type": "bind", "source": "/.switchyard-source/objects", "target": "/data"},
]


@pytest.mark.parametrize(
    ("mount", "shown"), list(zip(MOUNTS, ["the volume objects", "/srv/objects on the server", "the folder objects"]))
)
def test_a_routed_data_store_would_run_twice_on_its_data(machine: Machine, mount: t.Any, shown: str) -> None:
    service = {"image": "minio/minio:RELEASE.2025-04-22", "volumes": [mount]}
    assert check(machine, given(normalised(web=service), accessories=["db"])) == [
        "switchyard_stacks[shop].compose.services.web: has the image of a data store (minio) and writes "
        f"{shown}; both colors of it would write there. Write accessories: [db, web], and give the route to a service "
        "that passes requests on to web, such as an nginx of the stack."
    ]
    for harmless in ({**service, "volumes": [{**mount, "read_only": True}]}, {"image": service["image"]}):
        assert check(machine, given(normalised(web=harmless))) == []


def test_what_both_colors_of_a_routed_service_write_is_listed(machine: Machine) -> None:
    services = {"web": {"volumes": MOUNTS}, "api": {"volumes": MOUNTS}, "db": {"volumes": MOUNTS}}
    context = StackCheckContext(HostCheckContext(machine.host), given(normalised(**services), accessories=["db"]))
    notices = service_roles.shared_data(context.normalised, context.stack, context.where, context.mounts.data)
    assert [(notice.where, notice.value) for notice in notices] == [
        ("switchyard_stacks[shop].compose.services.web.volumes", shown)
        for shown in ("the volume objects", "/srv/objects on the server", "the folder objects")
    ]


@pytest.mark.parametrize("ends", [{"restart": "no"}, {"deploy": {"restart_policy": {"condition": "none"}}}])
def test_a_service_that_is_never_restarted_needs_a_declared_role(machine: Machine, ends: dict[str, t.Any]) -> None:
    volumes = [{"type": "volume", "source": "objects", "target": "/data"}]
    services = {"web": {**ends}, "db": {**ends}, "celery": {**ends}, "buckets": {**ends, "volumes": volumes}}
    named: dict[str, t.Any] = {"accessories": ["db"], "workers": ["celery"]}
    text = (
        "switchyard_stacks[shop].compose.services.buckets: is never restarted in the Compose file; a release that "
        "waits for it would fail when its command ends. Write {} for a command that runs once per release, or inner: "
        "[buckets] if it runs on."
    )
    assert check(machine, given(normalised(**services), **named)) == [
        text.format("migrate: {service: buckets} or after_migrate: [{service: buckets}]")
    ]
    migrate = {"migrate": {"service": "web", "command": ["x"]}, "after_migrate": [{"service": "web", "command": ["y"]}]}
    assert check(machine, given(normalised(**services), **named, **migrate)) == [
        text.format("after_migrate: [{service: web}, {service: buckets}]")
    ]
    for role in ({"inner": ["buckets"]}, {"after_migrate": [{"service": "buckets"}]}):
        assert check(machine, given(normalised(**services), **named, **role)) == []
    waiting = {"depends_on": {"buckets": {"condition": "service_completed_successfully"}}}
    assert check(machine, given(normalised(**services, api=waiting), **named)) == []
