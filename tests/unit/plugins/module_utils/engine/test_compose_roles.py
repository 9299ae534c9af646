from __future__ import annotations

import typing as t

import pytest
from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_roles


def test_each_service_has_one_role() -> None:
    content = normalised(web={}, cache={}, celery={}, db={}, tool={})
    job = {"service": "tool", "command": ["x"]}
    stack = checked(workers=["celery"], accessories=["db"], migrate=job)
    assert compose_roles.roles_of(content, stack) == {
        "web": "routed",
        "cache": "inner",
        "celery": "worker",
        "db": "accessory",
        "tool": "job",
    }


@pytest.mark.parametrize(("key", "role"), [("workers", "worker"), ("accessories", "accessory"), ("inner", "inner")])
def test_a_service_of_a_job_that_runs_on_as_well_has_its_declared_role(key: str, role: str) -> None:
    content = normalised(web={}, tool={})
    job = {"service": "tool", "command": ["x"]}
    assert compose_roles.roles_of(content, checked(migrate=job, **{key: ["tool"]}))["tool"] == role


ENDED = {"condition": "service_completed_successfully"}


def test_a_service_whose_end_another_waits_for_is_a_one_shot() -> None:
    content = normalised(
        web={"depends_on": {"init": ENDED, "cache": {"condition": "service_started"}}}, init={}, cache={}
    )
    expected = {"web": "routed", "init": "one-shot", "cache": "inner"}
    assert compose_roles.roles_of(content, checked()) == expected
    job = {"service": "init", "command": ["x"]}
    assert compose_roles.roles_of(content, checked(migrate=job)) == expected


@pytest.mark.parametrize("key", ["workers", "accessories", "inner"])
def test_a_service_with_a_declared_role_does_not_become_a_one_shot(key: str) -> None:
    content = normalised(web={"depends_on": {"init": ENDED}}, init={"restart": "no"})
    role = {"workers": "worker", "accessories": "accessory", "inner": "inner"}[key]
    assert compose_roles.roles_of(content, checked(**{key: ["init"]}))["init"] == role


@pytest.mark.parametrize(
    ("restart", "job", "role"),
    [
        ({"restart": "no"}, {"migrate": {"service": "tool"}}, "one-shot"),
        ({"restart": "no"}, {"after_migrate": [{"service": "tool"}]}, "one-shot"),
        ({"restart": "no"}, {"migrate": {"service": "tool", "command": ["x"]}}, "job"),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, {"migrate": {"service": "tool"}}, "one-shot"),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, {"migrate": {"service": "tool"}}, "job"),
        (
            {"restart": "always", "deploy": {"restart_policy": {"condition": "none"}}},
            {"migrate": {"service": "tool"}},
            "job",
        ),
        ({}, {"migrate": {"service": "tool"}}, "job"),
        ({"restart": "on-failure"}, {"migrate": {"service": "tool"}}, "job"),
        ({"restart": "unless-stopped"}, {"migrate": {"service": "tool"}}, "job"),
        ({"restart": "no"}, {}, "inner"),
    ],
)
def test_a_job_without_a_command_is_a_one_shot_only_if_it_is_not_restarted(
    restart: dict[str, t.Any], job: dict[str, t.Any], role: str
) -> None:
    assert compose_roles.roles_of(normalised(web={}, tool=restart), checked(**job))["tool"] == role


@pytest.mark.parametrize("given", [{"scale": 3}, {"deploy": {"replicas": 3}}])
def test_a_service_may_ask_for_several_containers(given: dict[str, t.Any]) -> None:
    assert compose_roles.replicas_of(normalised(web=given), "web") == 3


@pytest.mark.parametrize("given", [{}, {"deploy": None}, {"deploy": {"replicas": None}}])
def test_a_service_has_one_container_by_default(given: dict[str, t.Any]) -> None:
    assert compose_roles.replicas_of(normalised(web=given), "web") == 1


@pytest.mark.parametrize("given", [{"scale": 0}, {"deploy": {"replicas": 0}}, {"scale": 0, "deploy": {"replicas": 2}}])
def test_a_service_that_is_started_by_hand_has_none(given: dict[str, t.Any]) -> None:
    assert compose_roles.replicas_of(normalised(web=given), "web") == 0
