from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.config import stack_services
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import roles as postgres_roles
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import scram, tenants
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.roles import DatabaseRoles
from ansible_collections.switchyard.stacks.plugins.module_utils.redis import users as redis_users

STACKS: list[dict[str, t.Any]] = [
    {"name": "my-shop", "postgres": {"password": "a"}, "redis": {"password": "b", "databases": 2}},
    {"name": "plain"},
    {"name": "queue", "postgres": None, "redis": {"password": "c", "databases": [5, 3]}},
]


SHOP = {"database": "shop_prod", "user": "shop_prod", "password": "secret"}


def state(**changes: t.Any) -> dict[str, t.Any]:
    """Return what state.sql says of a server where everything of ``shop_prod`` is as it should be."""
    given = DatabaseRoles("shop_prod", "shop_prod")
    wanted = postgres_roles.settings(given, postgres_roles.TIMEOUTS)
    roles: dict[str, t.Any] = {
        name: {
            "login": kind != "owner",
            "limit": postgres_roles.CONNECTIONS.get(kind, -1),
            "privileged": False,
            "bypasses": kind == "backup",
            "password": f"made of {name}",
            "comment": tenants.password_fingerprint(f"made of {name}"),
            "settings": wanted[kind] or None,
            "member_of": {"migrator": ["shop_prod_owner"], "owner": ["shop_prod"]}.get(kind),
        }
        for kind, name in given.all.items()
    }
    roles["shop_prod"].update(password=scram.verifier("secret", "shop_prod"), comment=None)
    marks = {"shop_prod": 3, "shop_prod_backup": 3, "shop_prod_ro": 3}
    grants = {name: ["CONNECT", "TEMPORARY"] for name in marks}
    closed = {"owner": "postgres", "open": False, "grants": None, "default_privileges": None}
    return {
        "password_files": ["shop_prod_migrator", "shop_prod_backup", "shop_prod_ro"],
        "superuser": True,
        "connections": {"max": 100, "reserved": 3},
        "roles": roles,
        "databases": {
            "shop_prod": {"owner": "shop_prod_owner", "open": False, "grants": grants, "default_privileges": marks},
            "postgres": closed,
            "template1": closed,
        },
        **changes,
    }


def plan(there: dict[str, t.Any], *wanted: stack_services.Tenant, **options: t.Any) -> tenants.PostgresPlan:
    return tenants.postgres_plan(wanted or [SHOP], there, **{"settings": {}, **options})


def test_only_stacks_that_ask_for_it_are_tenants() -> None:
    assert tenants.postgres_tenants(STACKS, "prod") == [
        {"database": "my_shop_prod", "user": "my_shop_prod", "stack": "my-shop", "password": "a"}
    ]
    assert redis_users.redis_tenants(STACKS, "prod") == [
        {"user": "my-shop-prod", "stack": "my-shop", "password": "b", "databases": [2]},
        {"user": "queue-prod", "stack": "queue", "password": "c", "databases": [5, 3]},
    ]


def test_a_stack_says_more_of_its_logins() -> None:
    more = {"ro_password": "r", "connections": {"app": 5}, "timeouts": {}}
    own = {"database": "shop_prod", "user": "shop_prod", "stack": "shop", "password": "a"}
    assert tenants.postgres_tenants([{"name": "shop", "postgres": {"password": "a", **more}}], "prod") == [
        {**own, "ro_password": "r", "connections": {"app": 5}}
    ]


@pytest.mark.parametrize("settings", [{}, {"password": ""}, {"password": None}, "text", True])
def test_a_tenant_without_a_password_is_refused(settings: t.Any) -> None:
    with pytest.raises(ValueError, match=r"^switchyard_stacks\[shop\].postgres.password is missing$"):
        tenants.postgres_tenants([{"name": "shop", "postgres": settings}], "prod")


def test_postgres_without_a_server_needs_everything() -> None:
    made = plan({})
    assert made.problems == []
    assert made.databases == [{"database": "shop_prod", "owner": "shop_prod_owner"}]
    assert made.generate_passwords == ["shop_prod_migrator", "shop_prod_backup", "shop_prod_ro"]
    assert made.passwords == [f"ALTER ROLE \"shop_prod\" PASSWORD '{scram.verifier('secret', 'shop_prod')}'"]
    assert [one.database for one in made.rights] == ["shop_prod"]
    assert made.open == ["postgres", "shop_prod", "template1"]


def test_postgres_lets_each_login_but_the_owner_to_its_database() -> None:
    users = [pair["user"] for pair in plan({}).pairs]
    assert users == ["shop_prod", "shop_prod_migrator", "shop_prod_backup", "shop_prod_ro"]


def test_postgres_lets_a_login_in_through_the_network_of_its_stack() -> None:
    pairs = plan({}, {**SHOP, "stack": "shop"}, {**SHOP, "database": "other", "user": "other"}).pairs
    assert {(pair["database"], pair["stack"]) for pair in pairs} == {("shop_prod", "shop"), ("other", "")}


def test_postgres_as_it_should_be_needs_nothing() -> None:
    made = plan(state())
    assert made == tenants.PostgresPlan([], made.pairs)


def test_postgres_converts_a_database_that_its_application_owns() -> None:
    there = state()
    there["databases"]["shop_prod"].update(owner="shop_prod", grants=None, default_privileges=None)
    made = plan(there)
    assert made.databases == [{"database": "shop_prod", "owner": "shop_prod_owner"}]
    assert made.rights[0].statements == postgres_roles.rights_statements(DatabaseRoles("shop_prod", "shop_prod"))


def test_our_postgres_closes_every_database() -> None:
    there = state()
    there["databases"]["shop_prod__before_20260101_000000"] = {**there["databases"]["postgres"], "open": True}
    there["databases"]["template0"] = {**there["databases"]["postgres"], "open": False}
    assert plan(there).open == ["shop_prod__before_20260101_000000"]


def test_a_foreign_postgres_keeps_foreign_databases_open() -> None:
    there = state()
    for database in there["databases"].values():
        database["open"] = True
    assert plan(there, settings=None).open == ["shop_prod"]


def test_a_changed_password_is_set_and_nothing_else() -> None:
    made = plan(state(), {**SHOP, "password": "new"})
    assert made.passwords == [f"ALTER ROLE \"shop_prod\" PASSWORD '{scram.verifier('new', 'shop_prod')}'"]
    assert made.roles == []


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "of another tool"},
        {"password": "of another tool", "comment": tenants.password_fingerprint("made of shop_prod_ro")},
        {"comment": None},
        {"password": None},
    ],
)
def test_a_password_that_is_not_the_one_on_the_server_is_set_again(changes: dict[str, t.Any]) -> None:
    there = state()
    there["roles"]["shop_prod_ro"].update(changes)
    assert plan(there).generate_passwords == ["shop_prod_ro"]
    made = "made of shop_prod_ro"
    assert plan(there, verifiers={"shop_prod_ro": made}).passwords == [
        f"ALTER ROLE \"shop_prod_ro\" PASSWORD '{made}'",
        f"COMMENT ON ROLE \"shop_prod_ro\" IS '{tenants.password_fingerprint(made)}'",
    ]


def test_a_password_whose_file_is_gone_is_made_again() -> None:
    assert plan(state(password_files=["shop_prod_migrator", "shop_prod_backup"])).generate_passwords == ["shop_prod_ro"]


def test_a_password_that_cannot_be_read_is_known_by_its_comment() -> None:
    there = state(password_files=None, readable=False)
    for role in there["roles"].values():
        role["password"] = None
    known = {name: f"made of {name}" for name in ("shop_prod_migrator", "shop_prod_backup", "shop_prod_ro")}
    made = plan(there, verifiers=known)
    assert made.generate_passwords == []
    assert len(made.passwords) == 1  # the application's


def test_a_team_may_give_the_reader_a_password() -> None:
    made = plan(state(), {**SHOP, "ro_password": "given"})
    assert made.generate_passwords == []
    assert made.passwords == [f"ALTER ROLE \"shop_prod_ro\" PASSWORD '{scram.verifier('given', 'shop_prod_ro')}'"]


def test_everything_wrong_with_tenants_is_reported_at_once_and_no_password() -> None:
    made = plan({}, {**SHOP, "password": "naïve marker", "connections": {"app": 0}}, {**SHOP, "database": "Shop"})
    reported = "\n".join(str(problem) for problem in made.problems)
    assert len(made.problems) == 4
    assert "password is empty, or not made of printable ASCII" in reported
    assert "app: 0 is not a number" in reported
    assert "Shop is not a valid name" in reported
    assert "would both have the login shop_prod" in reported
    assert "marker" not in reported
    assert made.roles == made.passwords == made.databases == []


def test_a_login_that_another_database_has_is_refused() -> None:
    there = state()
    other = {"database": "shop_prod_ro", "user": "shop_prod_ro", "password": "a"}
    assert "the login shop_prod_ro belongs to the database shop_prod already" in str(plan(there, other).problems[0])
    there["databases"]["new_prod_ro"] = there["databases"]["postgres"]
    new = {"database": "new_prod", "user": "new_prod", "password": "a"}
    assert "new_prod_ro, the ro of new_prod, is another database's own" in str(plan(there, new).problems[0])


def test_the_sessions_of_all_logins_fit_the_server() -> None:
    there = state()
    foreign = {**there["roles"]["shop_prod"], "limit": 50}
    there["roles"].update(
        other_qual=foreign, shop_prod_owner__temp_1=foreign, old=there["roles"]["shop_prod"] | {"limit": -1}
    )
    assert plan(there, settings={"max_connections": 105}).problems == []
    reported = [str(problem) for problem in plan(there, settings={"max_connections": "104"}).problems]
    assert reported == [
        "connections: the logins may have 102 sessions at once (shop_prod 52, all others 50), and the server has"
        " 101 (max_connections 104, 3 of them reserved). Raise max_connections in postgres_settings, or set smaller"
        " connections for a stack."
    ]
    assert plan(there, settings={"max_connections": 104}, connections={"app": 39}).problems == []
    assert plan(there, settings={"max_connections": "plenty"}).problems == []
    assert (
        plan({**there, "connections": {"max": 50, "reserved": 3}}, settings=None).problems[0].hint
        == "Raise max_connections there, or set smaller connections for a stack"
    )
