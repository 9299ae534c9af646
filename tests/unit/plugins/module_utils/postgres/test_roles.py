from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import roles as postgres_roles
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import sql
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.roles import (
    CONNECTIONS,
    TIMEOUTS,
    DatabaseRoles,
)

SHOP = DatabaseRoles("shop_prod", "shop_prod")
ROLES = Path(__file__).parents[5] / "roles"


def role(**changes: t.Any) -> dict[str, t.Any]:
    """Return a role as state.sql returns it."""
    return {
        "login": True,
        "limit": -1,
        "privileged": False,
        "bypasses": False,
        "password": None,
        "comment": None,
        "settings": None,
        "member_of": None,
    } | (changes)


def existing() -> dict[str, t.Any]:
    """Return the roles of a server as they should be."""
    wanted = postgres_roles.settings(SHOP, TIMEOUTS)
    roles = {
        name: role(limit=CONNECTIONS.get(kind, -1), settings=wanted[kind] or None) for kind, name in SHOP.all.items()
    }
    roles["shop_prod_backup"].update(bypasses=True)
    roles["shop_prod_owner"].update(login=False, member_of=["shop_prod"])
    roles["shop_prod_migrator"].update(member_of=["shop_prod_owner"])
    return roles


def test_the_defaults_of_the_role_are_those_of_the_plan() -> None:
    defaults = yaml.safe_load((ROLES / "postgres" / "defaults" / "main.yml").read_text())
    assert defaults["postgres_connections"] == CONNECTIONS
    assert defaults["postgres_timeouts"] == TIMEOUTS


def test_the_application_owns_nothing_and_the_owner_cannot_log_in() -> None:
    done = postgres_roles.role_statements(SHOP, CONNECTIONS, TIMEOUTS, {})
    made = [one for one in done if one.startswith("CREATE")]
    assert made[0].startswith('CREATE ROLE "shop_prod_owner" NOLOGIN NOSUPERUSER')
    assert made[1].startswith('CREATE ROLE "shop_prod" LOGIN NOSUPERUSER')
    assert [one.split()[-1] for one in made] == ["-1", "40", "3", "6", "3"]
    assert "ALTER ROLE \"shop_prod_migrator\" SET role TO 'shop_prod_owner'" in done
    assert [one for one in done if one.startswith("GRANT")] == [
        'GRANT "shop_prod_owner" TO "shop_prod_migrator"',
        'GRANT "shop_prod" TO "shop_prod_owner"',
    ]


def test_existing_roles_need_nothing() -> None:
    assert postgres_roles.role_statements(SHOP, CONNECTIONS, TIMEOUTS, {"roles": existing()}) == []


@pytest.mark.parametrize(
    ("name", "changes", "done"),
    [
        ("shop_prod", {"privileged": True}, f'ALTER ROLE "shop_prod" {postgres_roles.PLAIN}'),
        ("shop_prod", {"bypasses": True}, 'ALTER ROLE "shop_prod" NOBYPASSRLS'),
        ("shop_prod_backup", {"bypasses": False}, 'ALTER ROLE "shop_prod_backup" BYPASSRLS'),
        ("shop_prod", {"limit": -1}, 'ALTER ROLE "shop_prod" CONNECTION LIMIT 40'),
        ("shop_prod", {"member_of": ["shop_prod_owner"]}, 'REVOKE "shop_prod_owner" FROM "shop_prod"'),
        ("shop_prod_owner", {"login": True}, 'ALTER ROLE "shop_prod_owner" NOLOGIN'),
        ("shop_prod_migrator", {"member_of": None}, 'GRANT "shop_prod_owner" TO "shop_prod_migrator"'),
    ],
)
def test_what_was_changed_is_put_right(name: str, changes: dict[str, t.Any], done: str) -> None:
    roles = existing()
    roles[name].update(changes)
    assert postgres_roles.role_statements(SHOP, CONNECTIONS, TIMEOUTS, {"roles": roles}) == [done]


def test_a_login_in_a_lockout_stays_disabled() -> None:
    roles = existing()
    roles["shop_prod"]["login"] = False
    assert postgres_roles.role_statements(SHOP, CONNECTIONS, TIMEOUTS, {"roles": roles}) == []


def test_settings_of_others_are_left_alone_and_another_time_is_set() -> None:
    roles = existing()
    roles["shop_prod_ro"]["settings"] = {**roles["shop_prod_ro"]["settings"], "work_mem": "9MB"}
    done = postgres_roles.role_statements(SHOP, CONNECTIONS, {**TIMEOUTS, "lock": "1s"}, {"roles": roles})
    assert done == ["ALTER ROLE \"shop_prod_migrator\" SET lock_timeout TO '1s'"]


def test_an_administrator_without_superuser_runs_nothing_that_only_one_may() -> None:
    done = postgres_roles.role_statements(SHOP, CONNECTIONS, TIMEOUTS, {"superuser": False})
    assert not [one for one in done if "SUPERUSER" in one or "lo_compat" in one]
    assert 'GRANT "shop_prod_owner" TO CURRENT_USER' in done


def database(**changes: t.Any) -> dict[str, t.Any]:
    marks = {"shop_prod": 3, "shop_prod_backup": 3, "shop_prod_ro": 3}
    rights = {"shop_prod": ["CONNECT", "TEMPORARY"], "shop_prod_backup": ["CONNECT"], "shop_prod_ro": ["CONNECT"]}
    return {"owner": "shop_prod_owner", "open": False, "grants": rights, "default_privileges": marks, **changes}


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({}, True),
        ({"owner": "shop_prod"}, False),
        ({"default_privileges": None}, False),
        ({"default_privileges": {"shop_prod": 3, "shop_prod_backup": 3, "shop_prod_ro": 2}}, False),
        ({"grants": None}, False),
        ({"grants": {**database()["grants"], "shop_prod": ["CONNECT", "TEMPORARY", "CREATE"]}}, False),
        ({"grants": {**database()["grants"], "shop_prod_ro": []}}, False),
    ],
)
def test_whether_the_rights_exist_is_read_from_the_catalog(changes: dict[str, t.Any], there: bool) -> None:
    assert postgres_roles.role_matches(SHOP, database(**changes)) is there
    assert not postgres_roles.role_matches(SHOP, None)


def test_what_a_tenant_planted_does_not_run_as_the_administrator() -> None:
    done = postgres_roles.rights_statements(SHOP)
    become = done.index('SET LOCAL ROLE "shop_prod_owner"')
    assert done[become + 1 :] == postgres_roles.grants(SHOP)
    assert "SET LOCAL search_path TO ''" in done[:become]
    assert done.index('REASSIGN OWNED BY "shop_prod" TO "shop_prod_owner"') < become


def test_the_readers_only_read() -> None:
    for one in postgres_roles.grants(SHOP)[:-1]:
        assert "_ro" not in one or "SELECT ON" in one or "USAGE ON SCHEMAS" in one
        assert "INSERT" not in one or one.endswith('TO "shop_prod"')


@pytest.mark.parametrize(
    ("given", "connections", "timeouts", "reported"),
    [
        (DatabaseRoles("Shop", "shop"), {}, {}, "Shop is not a valid name"),
        (DatabaseRoles("s" * 55, "shop"), {}, {}, "has 64 characters"),
        (SHOP, {"reader": 1}, {}, "reader is not a known key. Use app, migrator, backup, ro"),
        (SHOP, {"app": 0}, {}, "app: 0 is not a number"),
        (SHOP, {"app": True}, {}, "app: True is not a number"),
        (SHOP, {}, {"statement": "long"}, "statement: long is not a time"),
        (SHOP, {}, {"idle": "1s"}, "idle is not a known key"),
    ],
)
def test_bad_input_is_named(
    given: DatabaseRoles, connections: dict[str, t.Any], timeouts: dict[str, t.Any], reported: str
) -> None:
    found = postgres_roles.option_problems(given, connections, timeouts)
    assert len(found) == 1
    assert reported in str(found[0])


def test_good_input_has_no_problem() -> None:
    assert postgres_roles.option_problems(SHOP, {**CONNECTIONS, "app": "12"}, {**TIMEOUTS, "lock": 0}) == []


def test_names_and_texts_are_quoted() -> None:
    assert (sql.ident('a"b'), sql.literal("a'b"), sql.literal(None)) == (
        '"a""b"',
        "'a''b'",
        "NULL",
    )
