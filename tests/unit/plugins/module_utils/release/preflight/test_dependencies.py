from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import COMPOSE, Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ComposeError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import dependencies
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)

CHECK = {"healthcheck": {"test": ["CMD", "true"]}}


def check(machine: Machine, docker: t.Callable[[str], t.Any], services: dict[str, t.Any], **stack: t.Any) -> list[str]:
    docker(COMPOSE)
    context = StackCheckContext(HostCheckContext(machine.host), given(normalised(**services), **stack))
    return [f"{problem.code} {problem}" for problem in dependencies.check(context)]


def waits(condition: str, *services: str, **more: t.Any) -> dict[str, t.Any]:
    return {"depends_on": {name: {"condition": condition, "required": True, **more} for name in services}}


def test_dependencies_that_a_release_meets(machine: Machine, docker: t.Callable[[str], t.Any]) -> None:
    services = {
        "web": {**waits("service_healthy", "db", "cache"), **CHECK},
        "cache": CHECK,
        "db": CHECK,
        "init": waits("service_healthy", "db"),
        "celery": {
            "depends_on": {
                **waits("service_healthy", "web")["depends_on"],
                **waits("service_completed_successfully", "init")["depends_on"],
            }
        },
    }
    assert check(machine, docker, services, workers=["celery"], accessories=["db"]) == []


@pytest.mark.parametrize(
    ("service", "role", "other", "other_role"),
    [
        ("db", "accessory", "web", "routed"),
        ("db", "accessory", "init", "one-shot"),
        ("init", "one-shot", "web", "routed"),
        ("web", "routed", "celery", "worker"),
    ],
)
def test_a_service_cannot_wait_for_one_that_starts_later(
    machine: Machine, docker: t.Callable[[str], t.Any], service: str, role: str, other: str, other_role: str
) -> None:
    stack = {"workers": ["celery"], "accessories": ["db"]}
    ended = waits("service_completed_successfully", "init")
    services: dict[str, t.Any] = {"web": {}, "celery": {}, "db": {}, "init": {}, "cache": ended}
    services[service] = waits("service_healthy", other)
    write = "Write condition: service_started or required: false, which a release does not wait for here."
    if role == "accessory":
        write = f"Name {service} under workers or inner in place of accessories. Otherwise write{write[5:]}"
    assert check(machine, docker, services, **stack) == [
        f"compose.dependency_unmet switchyard_stacks[shop].compose.services.{service}.depends_on.{other}: {service} "
        f"({role}) waits for {other} ({other_role}), which starts later: a release starts accessories, then one-shots "
        f"and jobs, then the color, then workers. {write}"
    ]
    for harmless in (waits("service_started", other), waits("service_healthy", other, required=False)):
        assert check(machine, docker, {**services, service: harmless}, **stack) == []


def test_a_data_store_that_waits_too_early_stays_an_accessory(
    machine: Machine, docker: t.Callable[[str], t.Any]
) -> None:
    ended = waits("service_completed_successfully", "init")
    services = {"web": {}, "init": {}, "db": {"image": "postgres:16", **ended}}
    (line,) = check(machine, docker, services, accessories=["db"])
    assert line.endswith(
        "then workers. Write condition: service_started or required: false, which a release does not wait for here."
    )


def test_a_service_that_others_wait_for_may_be_an_undeclared_accessory(
    machine: Machine, docker: t.Callable[[str], t.Any]
) -> None:
    services = {
        "web": waits("service_completed_successfully", "init"),
        "init": waits("service_healthy", "db"),
        "db": CHECK,
    }
    (problem,) = check(machine, docker, services)
    assert "init (one-shot) waits for db (inner), which starts later" in problem
    assert "Name db under accessories if it outlives releases. Otherwise write condition" in problem


def test_a_service_of_which_only_commands_run_is_never_healthy(
    machine: Machine, docker: t.Callable[[str], t.Any]
) -> None:
    services = {"web": waits("service_healthy", "api"), "api": CHECK}
    job = {"after_migrate": [{"service": "api", "command": ["warm-up"]}]}
    (problem,) = check(machine, docker, services, **job)
    assert problem == (
        "compose.dependency_unmet switchyard_stacks[shop].compose.services.web.depends_on.api: web waits until api is "
        "healthy, and api has no container of its own: only migrate or after_migrate names it. Write api under inner, "
        "workers or accessories too, or condition: service_started."
    )
    assert check(machine, docker, services, inner=["api"], **job) == []
    assert check(machine, docker, {**services, "web": waits("service_started", "api")}, **job) == []


@pytest.mark.parametrize("disabled", [{"disable": True}, {"test": ["NONE"]}, None, {"interval": "5s"}])
def test_a_service_without_a_health_check_cannot_be_healthy(
    machine: Machine, docker: t.Callable[[str], t.Any], disabled: dict[str, t.Any] | None
) -> None:
    services = {"web": waits("service_healthy", "db"), "db": {"healthcheck": disabled}}
    machine.engine.__init__(images=["reg/db:1"])  # type: ignore[misc]
    expected = [
        "compose.healthcheck_missing switchyard_stacks[shop].compose.services.web.depends_on.db: web waits until db is "
        "healthy, and db has no health check. Add a healthcheck to db, or write condition: service_started."
    ]
    assert check(machine, docker, services, accessories=["db"]) == expected
    # Compose would stop the start of the color for it, so that the part does not matter.
    assert check(machine, docker, services) == expected
    image = machine.engine.images["reg/db:1"]
    machine.engine.images["reg/db:1"] = replace(image, has_health_check=True)
    # The health check of the image counts unless the file switches it off.
    off = disabled in ({"disable": True}, {"test": ["NONE"]})
    assert check(machine, docker, services) == (expected if off else [])


def test_the_health_check_of_an_image_that_is_not_pulled_is_not_known(
    machine: Machine, docker: t.Callable[[str], t.Any]
) -> None:
    assert check(machine, docker, {"web": waits("service_healthy", "db"), "db": {}}, accessories=["db"]) == []


@pytest.mark.usefixtures("real_compose")
def test_compose_itself_refuses_a_cycle(tmp_path: t.Any) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text("services: {a: {image: 'x:1', depends_on: [b]}, b: {image: 'x:1', depends_on: [a]}}")
    with pytest.raises(ComposeError, match="dependency cycle detected: a -> b -> a"):
        compose_cli.normalise(tmp_path, [file.name], {})
