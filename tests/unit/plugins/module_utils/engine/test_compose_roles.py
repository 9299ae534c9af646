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


@pytest.mark.parametrize("given", [{"scale": 3}, {"deploy": {"replicas": 3}}])
def test_a_service_may_ask_for_several_containers(given: dict[str, t.Any]) -> None:
    assert compose_roles.replicas_of(normalised(web=given), "web") == 3


def test_a_service_has_one_container_by_default() -> None:
    assert compose_roles.replicas_of(normalised(web={}), "web") == 1
