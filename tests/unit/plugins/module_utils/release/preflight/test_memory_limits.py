"""The memory limits of a stack against the memory of the server."""

from __future__ import annotations

import typing as t

import pytest
from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import memory_limits

GIB = 2**30


def lines(roles: dict[str, str], memory: int, **services: dict[str, t.Any]) -> list[str]:
    found = memory_limits.problems(normalised(**services), roles, "stacks[shop]", memory)
    assert all((problem.code, problem.severity) == ("server.memory", "warning") for problem in found)
    return [f"{problem.where}: {problem.message}" for problem in found]


def test_limits_that_fit() -> None:
    services = {"web": {"mem_limit": str(GIB)}, "db": {"mem_limit": str(GIB)}, "tool": {}}
    assert lines({"web": "routed", "db": "accessory", "tool": "inner"}, 3 * GIB, **services) == []


def test_both_colors_count() -> None:
    services = {"web": {"mem_limit": str(GIB)}, "db": {"mem_limit": str(GIB)}}
    assert lines({"web": "routed", "db": "accessory"}, 3 * GIB - 1, **services) == [
        "stacks[shop].compose: the memory limits are 3.0 GiB while a release runs both colors, and the server has "
        "3.0 GiB"
    ]


@pytest.mark.parametrize("service", [{"scale": 3}, {"deploy": {"replicas": 3}}])
def test_every_container_of_a_service_counts(service: dict[str, t.Any]) -> None:
    service = {**service, "mem_limit": str(GIB)}
    assert lines({"worker": "worker"}, 3 * GIB, worker=service) == []
    assert len(lines({"worker": "worker"}, 3 * GIB - 1, worker=service)) == 1


def test_a_limit_above_the_memory_of_the_server_is_named() -> None:
    limits = {"deploy": {"resources": {"limits": {"memory": str(64 * GIB)}}}}
    assert lines({"web": "routed", "db": "accessory"}, 4 * GIB, web={}, db=limits) == [
        "stacks[shop].compose.services.db.mem_limit: 64.0 GiB are more than the memory of the server (4.0 GiB)"
    ]
