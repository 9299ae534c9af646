from __future__ import annotations

import hashlib
import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.redis import users as redis_users

STACKS: list[dict[str, t.Any]] = [
    {"name": "my-shop", "postgres": {"password": "a"}, "redis": {"password": "b", "databases": 2}},
    {"name": "plain"},
    {"name": "queue", "postgres": None, "redis": {"password": "c", "databases": [5, 3]}},
]


RULES = "~* +@all"


def seen(plan: redis_users.RedisPlan, environment: str = "prod", loaded: bool = True) -> str:
    """Return what state.sh prints once the files of a plan are written."""
    lines = [f"sum {hashlib.sha256(content.encode()).hexdigest()}  {name}" for name, content in plan.files.items()]
    lines.append(f"allotted {environment} {plan.files[f'allotted/{environment}.json'].strip()}")
    lines += ["sum 0  users/_admin.acl", "assembled", "user _admin"]
    return "\n".join([*lines, f"user {plan.loaded}"] if loaded else lines)


def redis_plan(environment: str, reported: str = "", **databases: list[int]) -> redis_users.RedisPlan:
    wanted = [{"user": user, "password": "secret", "databases": numbers} for user, numbers in databases.items()]
    return redis_users.redis_plan(wanted, "po", environment, RULES, 16, reported)


@pytest.mark.parametrize("databases", [None, [], "2", ["2"], -1])
def test_redis_databases_are_numbers(databases: t.Any) -> None:
    with pytest.raises(ValueError, match=r"^switchyard_stacks\[shop\].redis.databases is not a number"):
        redis_users.redis_tenants([{"name": "shop", "redis": {"password": "b", "databases": databases}}], "prod")


def messages(plan: redis_users.RedisPlan) -> list[str]:
    return [problem.message for problem in plan.problems]


def test_redis_gets_hashes_and_never_a_password() -> None:
    users = redis_plan("prod", shop=[2]).files["users/prod.acl"]
    assert users.startswith(f"user shop on #{hashlib.sha256(b'secret').hexdigest()} {RULES}\n")
    assert "secret" not in users


def test_redis_that_loaded_the_files_needs_nothing() -> None:
    first = redis_plan("prod", shop=[2])
    assert first.differ == ["allotted/prod.json", "users/prod.acl"]
    assert (first.load, first.admin) == (True, False)
    again = redis_plan("prod", seen(first), shop=[2])
    assert (again.differ, again.load, again.admin, again.problems) == ([], False, True, [])


def test_redis_that_did_not_load_the_files_has_to() -> None:
    # A run was killed between writing and loading.
    first = redis_plan("prod", shop=[2])
    assert redis_plan("prod", seen(first, loaded=False), shop=[2]).load
    assert redis_plan("prod", seen(first).replace("assembled\n", ""), shop=[2]).load


def test_redis_without_the_file_of_its_administrator_gets_it_again() -> None:
    reported = seen(redis_plan("prod", shop=[2]))
    assert not redis_plan("prod", reported.replace("sum 0  users/_admin.acl\n", ""), shop=[2]).admin
    assert not redis_plan("prod", reported.replace("user _admin\n", ""), shop=[2]).admin


def test_a_changed_password_changes_the_users_and_not_the_numbers() -> None:
    first = redis_plan("prod", shop=[2])
    wanted = [{"user": "shop", "password": "new", "databases": [2]}]
    assert redis_users.redis_plan(wanted, "po", "prod", RULES, 16, seen(first)).differ == ["users/prod.acl"]


def test_numbers_of_another_environment_are_taken() -> None:
    other = seen(redis_plan("qual", shop=[2, 3]), "qual")
    assert messages(redis_plan("prod", other, web=[4])) == []
    assert messages(redis_plan("prod", other, web=[3, 4], shop=[16])) == [
        "web asks for database 3, but it belongs to shop (qual)",
        "the user shop belongs to qual already",
        "shop asks for database 16, but the last one is 15",
    ]


def test_redis_stays_in_the_networks_of_the_stacks_of_other_environments() -> None:
    other = seen(redis_plan("qual-2", **{"my-shop-qual-2": [2], "cron": [3]}), "qual-2")
    left = "allotted old {}"
    assert redis_plan("prod", f"{other}\n{left}", **{"my-shop-prod": [4]}).other_networks == [
        "po-back-qual-2",
        "po-my-shop-qual-2.back",
    ]


def test_numbers_of_another_tenant_are_taken() -> None:
    assert messages(redis_plan("prod", one=[2], two=[2])) == [
        "two asks for database 2, but it belongs to one",
    ]


def test_an_environment_may_give_its_numbers_to_another_of_its_tenants() -> None:
    before = seen(redis_plan("prod", one=[2], two=[3]))
    assert messages(redis_plan("prod", before, one=[3], two=[2])) == []
