from __future__ import annotations

import base64
import hashlib
import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import tenants

STACKS: list[dict[str, t.Any]] = [
    {"name": "my-shop", "postgres": {"password": "a"}, "redis": {"password": "b", "databases": 2}},
    {"name": "plain"},
    {"name": "queue", "postgres": None, "redis": {"password": "c", "databases": [5, 3]}},
]
SHOP = {"database": "shop_prod", "user": "shop_prod", "password": "secret"}
RULES = "~* +@all"


def state(**databases: tuple[str, bool]) -> dict[str, t.Any]:
    """Return what state.sql says of a server where the login and these databases are."""
    return {
        "logins": {"shop_prod": tenants.verifier("secret", "shop_prod")},
        "databases": {name: {"owner": owner, "open": is_open} for name, (owner, is_open) in databases.items()},
    }


def seen(plan: dict[str, t.Any], environment: str = "prod", loaded: bool = True) -> str:
    """Return what state.sh prints once the files of a plan are written."""
    lines = [f"sum {hashlib.sha256(content.encode()).hexdigest()}  {name}" for name, content in plan["files"].items()]
    lines.append(f"allotted {environment} {plan['files'][f'allotted/{environment}.json'].strip()}")
    lines += ["sum 0  users/_admin.acl", "assembled", "user _admin"]
    return "\n".join([*lines, f"user {plan['loaded']}"] if loaded else lines)


def redis_plan(environment: str, told: str = "", **databases: list[int]) -> dict[str, t.Any]:
    wanted = [{"user": user, "password": "secret", "databases": numbers} for user, numbers in databases.items()]
    return tenants.redis_plan(wanted, environment, RULES, 16, told)


def test_only_stacks_that_ask_for_it_are_tenants() -> None:
    assert tenants.postgres(STACKS, "prod") == [{"database": "my_shop_prod", "user": "my_shop_prod", "password": "a"}]
    assert tenants.redis(STACKS, "prod") == [
        {"user": "my-shop-prod", "password": "b", "databases": [2]},
        {"user": "queue-prod", "password": "c", "databases": [5, 3]},
    ]


@pytest.mark.parametrize("settings", [{}, {"password": ""}, {"password": None}, "text", True])
def test_a_tenant_without_a_password_is_refused(settings: t.Any) -> None:
    with pytest.raises(ValueError, match=r"^switchyard_stacks\[shop\].postgres.password is missing$"):
        tenants.postgres([{"name": "shop", "postgres": settings}], "prod")


@pytest.mark.parametrize("databases", [None, [], "2", ["2"], -1])
def test_redis_databases_are_numbers(databases: t.Any) -> None:
    with pytest.raises(ValueError, match=r"^switchyard_stacks\[shop\].redis.databases is not a number"):
        tenants.redis([{"name": "shop", "redis": {"password": "b", "databases": databases}}], "prod")


def test_the_verifier_is_the_one_of_rfc_7677() -> None:
    # Its example: the user's password is "pencil"; the keys of it are what a server stores.
    made = tenants.scram_sha_256("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert made == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_a_verifier_depends_on_password_and_user_alone() -> None:
    assert tenants.verifier("secret", "one") == tenants.verifier("secret", "one")
    assert len({tenants.verifier(password, user) for password in ("a", "b") for user in ("one", "two")}) == 4


@pytest.mark.parametrize("password", ["", "naïve", "two\nlines"])
def test_a_password_that_needs_preparation_is_refused_without_showing_it(password: str) -> None:
    with pytest.raises(ValueError, match="the password of shop must be printable ASCII") as caught:
        tenants.verifier(password, "shop")
    assert not password or password not in str(caught.value)


def test_postgres_without_a_server_needs_everything() -> None:
    assert tenants.postgres_plan([SHOP], {}) == {
        "logins": [{"user": "shop_prod", "verifier": tenants.verifier("secret", "shop_prod")}],
        "databases": [{"database": "shop_prod", "user": "shop_prod"}],
        "open": ["postgres", "shop_prod", "template1"],
    }


def test_postgres_as_it_should_be_needs_nothing() -> None:
    there = state(shop_prod=("shop_prod", False), postgres=("postgres", False), template1=("postgres", False))
    assert tenants.postgres_plan([SHOP], there) == {"logins": [], "databases": [], "open": []}


def test_postgres_leaves_databases_of_others_alone() -> None:
    there = state(postgres=("postgres", False), template1=("postgres", False), shop_qual=("shop_qual", True))
    assert tenants.postgres_plan([], there) == {"logins": [], "databases": [], "open": []}


def test_postgres_puts_right_what_was_changed() -> None:
    there = state(shop_prod=("mallory", True), postgres=("postgres", True), template1=("postgres", False))
    plan = tenants.postgres_plan([{**SHOP, "password": "new"}], there)
    assert plan == {
        "logins": [{"user": "shop_prod", "verifier": tenants.verifier("new", "shop_prod")}],
        "databases": [{"database": "shop_prod", "user": "shop_prod"}],
        "open": ["postgres", "shop_prod"],
    }


def test_redis_gets_hashes_and_never_a_password() -> None:
    users = redis_plan("prod", shop=[2])["files"]["users/prod.acl"]
    assert users.startswith(f"user shop on #{hashlib.sha256(b'secret').hexdigest()} {RULES}\n")
    assert "secret" not in users


def test_redis_that_loaded_the_files_needs_nothing() -> None:
    first = redis_plan("prod", shop=[2])
    assert first["differ"] == ["allotted/prod.json", "users/prod.acl"]
    assert (first["load"], first["admin"]) == (True, False)
    again = redis_plan("prod", seen(first), shop=[2])
    assert (again["differ"], again["load"], again["admin"], again["problems"]) == ([], False, True, [])


def test_redis_that_did_not_load_the_files_has_to() -> None:
    # A run was killed between writing and loading.
    first = redis_plan("prod", shop=[2])
    assert redis_plan("prod", seen(first, loaded=False), shop=[2])["load"]
    assert redis_plan("prod", seen(first).replace("assembled\n", ""), shop=[2])["load"]


def test_redis_without_the_file_of_its_administrator_gets_it_again() -> None:
    told = seen(redis_plan("prod", shop=[2]))
    assert not redis_plan("prod", told.replace("sum 0  users/_admin.acl\n", ""), shop=[2])["admin"]
    assert not redis_plan("prod", told.replace("user _admin\n", ""), shop=[2])["admin"]


def test_a_changed_password_changes_the_users_and_not_the_numbers() -> None:
    first = redis_plan("prod", shop=[2])
    wanted = [{"user": "shop", "password": "new", "databases": [2]}]
    assert tenants.redis_plan(wanted, "prod", RULES, 16, seen(first))["differ"] == ["users/prod.acl"]


def test_numbers_of_another_environment_are_taken() -> None:
    other = seen(redis_plan("qual", shop=[2, 3]), "qual")
    assert redis_plan("prod", other, web=[4])["problems"] == []
    assert redis_plan("prod", other, web=[3, 4], shop=[16])["problems"] == [
        "web asks for database 3, but it belongs to shop (qual)",
        "the user shop belongs to qual already",
        "shop asks for database 16, but the last one is 15",
    ]


def test_numbers_of_another_tenant_are_taken() -> None:
    assert redis_plan("prod", one=[2], two=[2])["problems"] == [
        "two asks for database 2, but it belongs to one",
    ]


def test_an_environment_may_give_its_numbers_to_another_of_its_tenants() -> None:
    before = seen(redis_plan("prod", one=[2], two=[3]))
    assert redis_plan("prod", before, one=[3], two=[2])["problems"] == []
