"""The Redis database numbers of a stack."""

from __future__ import annotations

import json

from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import redis_numbers
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)

WHERE = "switchyard_stacks[shop].redis.databases"


def check(machine: Machine, *numbers: int, available: int = 16) -> list[str]:
    spec = given(redis={"password": "hunter2", "databases": list(numbers)})
    host = HostCheckContext(machine.host, redis_databases=available)
    found = redis_numbers.check(StackCheckContext(host, spec))
    assert {problem.code for problem in found} <= {"redis.database_range", "redis.database_taken"}
    return [str(problem) for problem in found]


def allot(machine: Machine, environment: str, **users: list[int]) -> None:
    folder = machine.root / "redis/conf/allotted"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{environment}.json").write_text(json.dumps(users))


def test_numbers_that_are_free(machine: Machine) -> None:
    allot(machine, "qual", **{"shop-qual": [2]})
    allot(machine, "prod", **{"shop-prod": [3]})
    assert check(machine, 0, 3, 15) == []


def test_a_number_that_the_server_does_not_have(machine: Machine) -> None:
    assert check(machine, 3, 16) == [
        f"{WHERE}: 16 is not a database of Redis, which has 0 to 15. Write another number, or raise redis_databases."
    ]
    assert check(machine, 16, available=32) == []


def test_a_number_of_another_environment(machine: Machine) -> None:
    allot(machine, "qual", **{"blog-qual": [1, 2]})
    (machine.root / "redis/conf/allotted/broken.json").write_text("{")
    assert check(machine, 2, 3) == [
        f"{WHERE}: the database 2 of the shared Redis belongs to blog-qual (environment qual). "
        "Write a number that is free."
    ]


def test_a_redis_of_the_environment_has_its_own_numbers(machine: Machine) -> None:
    allot(machine, "qual", **{"blog-qual": [2]})
    (machine.root / "redis-prod").mkdir()
    assert check(machine, 2) == []


def test_a_stack_without_redis(machine: Machine) -> None:
    assert redis_numbers.check(StackCheckContext(HostCheckContext(machine.host), given())) == []
