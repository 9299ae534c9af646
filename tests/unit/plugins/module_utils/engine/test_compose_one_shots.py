from __future__ import annotations

import typing as t

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_one_shots, compose_roles
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_dependencies import Dependency
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_one_shots import OneShot

ENDED = "service_completed_successfully"


def after(*services: str, condition: str = ENDED, **more: t.Any) -> dict[str, t.Any]:
    """Return a service that waits for the end of others."""
    return {"depends_on": {name: {"condition": condition, "required": True, **more} for name in services}}


def plan(services: dict[str, t.Any], **stack: t.Any) -> list[OneShot]:
    content, checked_stack = normalised(**services), checked(**stack)
    roles = compose_roles.roles_of(content, checked_stack)
    return list(compose_one_shots.one_shots_of(content, checked_stack, roles))


def late(services: dict[str, t.Any], **stack: t.Any) -> list[Dependency]:
    content, checked_stack = normalised(**services), checked(**stack)
    roles = compose_roles.roles_of(content, checked_stack)
    return compose_one_shots.late_dependencies(content, checked_stack, roles)


def test_a_file_without_one_shots_has_no_plan() -> None:
    assert plan({"web": {}, "db": {}}, accessories=["db"]) == []


def test_one_shots_run_in_the_order_of_their_dependencies() -> None:
    services = {"web": after("c", "a"), "c": after("b"), "a": {}, "b": after("a", condition="service_started")}
    assert plan(services) == [OneShot("a"), OneShot("b"), OneShot("c")]


def test_a_one_shot_that_a_job_needs_precedes_it() -> None:
    services = {"web": after("last", "m"), "last": {}, "m": after("keys"), "keys": after("dirs"), "dirs": {}, "x": {}}
    jobs = {"migrate": {"service": "m"}, "after_migrate": [{"service": "web", "command": ["collect"]}]}
    assert plan(services, **jobs) == [
        OneShot("dirs", "migrate"),
        OneShot("keys", "migrate"),
        OneShot("last", "after_migrate[0]"),
    ]


def test_no_one_shot_precedes_the_backup_because_a_server_waits_for_it() -> None:
    services = {"web": after("own_migration"), "own_migration": {}}
    assert plan(services, migrate={"service": "web", "command": ["migrate"]}) == [OneShot("own_migration")]


def test_a_one_shot_that_the_stack_names_is_only_a_job() -> None:
    services = {"web": after("m"), "m": {}}
    for command in ({}, {"command": ["migrate"]}):
        assert plan(services, migrate={"service": "m", **command}) == []


def test_a_one_shot_is_required_where_one_of_those_that_wait_requires_it() -> None:
    services = {"web": after("a", "b", required=False), "cache": after("b"), "a": {}, "b": {}}
    assert plan(services) == [OneShot("a", required=False), OneShot("b")]


def test_the_order_of_the_stacks_jobs_may_contradict_the_file() -> None:
    services = {"web": {}, "m": after("seed"), "seed": {}}
    jobs = [{"service": "m"}, {"service": "seed"}]
    assert late(services, migrate={"service": "m", "command": ["x"]}, after_migrate=jobs[1:]) == [
        Dependency("m", "seed", ENDED)
    ]
    assert late(services, after_migrate=[{"service": "seed"}, {"service": "m", "command": ["x"]}]) == []
    # A one-shot that precedes the migration cannot wait for what follows it.
    chain = {"web": {}, "m": after("keys"), "keys": after("seed"), "seed": {}}
    assert late(chain, migrate={"service": "m", "command": ["x"]}, after_migrate=jobs[1:]) == [
        Dependency("keys", "seed", ENDED)
    ]
