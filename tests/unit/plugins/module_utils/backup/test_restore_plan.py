from __future__ import annotations

import dataclasses
import typing as t

import pytest
from fakes_postgres import (
    SERVER,
    backup_request,
    database,
    manifest,
)

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore_plan
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.restore_plan import RestoreFacts, RestoreRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.roles import DatabaseRoles

COUNTED = {"changes": 100, "began": "once", "own": 0}


def facts(**changes: t.Any) -> RestoreFacts:
    plain = RestoreFacts(
        server=SERVER,
        database=database(),
        owner={"rolname": "shop_prod", "super": False},
        roles=frozenset({"shop_prod", "postgres"}),
        missing_extensions=(),
        locked_out=False,
        baseline=COUNTED,
        counters=COUNTED,
        changes=0,
        already_restored=False,
        free_bytes=None,
    )
    return dataclasses.replace(plain, **changes)


def planned(looked: RestoreFacts, **asked: t.Any) -> tuple[restore_plan.RestorePlan, list[Problem]]:
    return restore_plan.plan_restore(backup_request(), RestoreRequest("latest", **asked), manifest(), looked, 0.0)


def test_the_new_one_takes_what_the_old_one_has() -> None:
    made, problems = planned(facts())
    assert problems == []
    assert (made.new_database, made.retained_database) == ("shop_prod__restore_1", "shop_prod__before_19700101_000000")
    assert (made.owner, made.logins, made.restore_grants) == ("shop_prod", ["shop_prod"], True)
    assert made.properties == database()["properties"]


def test_where_there_is_none_the_backup_says_what_it_had() -> None:
    made, problems = planned(facts(database=None, changes=0))
    assert problems == []
    assert (made.retained_database, made.owner, made.logins) == (None, "shop_prod", [])


def test_another_owner_gets_no_grants_of_the_first() -> None:
    looked = facts(owner={"rolname": "shop_test", "super": False}, database=None)
    made, problems = planned(looked, owner="shop_test", logins=())
    assert (made.restore_grants, made.properties, problems) == (False, {}, [])


def test_the_logins_of_the_owner_get_their_rights_also_against_the_dump() -> None:
    roles = {"shop_prod", "shop_prod_owner", "shop_prod_migrator", "shop_prod_backup", "shop_prod_ro"}
    owner = {"rolname": "shop_prod_owner", "super": False}
    looked = facts(database=database(owner="shop_prod_owner"), owner=owner, roles=frozenset(roles))
    made, problems = planned(looked)
    assert (made.restore_grants, made.tenant_roles, problems) == (False, DatabaseRoles("shop_prod", "shop_prod"), [])
    assert planned(dataclasses.replace(looked, roles=frozenset(roles - {"shop_prod_ro"})))[0].tenant_roles is None
    assert planned(facts())[0].tenant_roles is None


def test_everything_in_the_way_is_reported_at_once() -> None:
    looked = facts(
        server={**SERVER, "number": 160001, "version": "16.1", "can_administer": False},
        owner=None,
        missing_extensions=(
            Problem("postgis", "the server does not have it", "Use an image that has it", "postgres.extension_missing"),
        ),
        roles=frozenset(),
        changes=510,
        free_bytes=0,
    )
    made, problems = restore_plan.plan_restore(
        backup_request(), RestoreRequest("latest"), manifest(roles=["reader"]), looked, 0.0
    )
    assert made
    assert [one.where for one in problems] == [
        *("container, host", "user", "owner", "roles", "postgis", "disk", "max_discarded_changes"),
    ]
    assert "PostgreSQL 16.1, and the backup is of 17.6" in str(problems[0])


def test_a_superuser_owns_no_tenant() -> None:
    problems = planned(facts(owner={"rolname": "postgres", "super": True}))[1]
    assert "is a superuser" in str(problems[0])


@pytest.mark.parametrize(
    ("given", "changes", "reported"),
    [
        (None, 0, ""),
        (None, 510, "510 row changes since the backup"),
        ("509", 510, "set max_discarded_changes: 510, for restore.yml -e max_discarded=510"),
        ("510", 510, ""),
        ("1000", 510, ""),
        (None, None, "is unknown"),
        ("510", None, "set max_discarded_changes: unknown, for restore.yml -e max_discarded=unknown"),
        ("unknown", None, ""),
        ("unknown", 510, ""),
        ("plenty", 510, "'plenty' is neither a number"),
    ],
)
def test_which_changes_may_be_discarded(given: str | None, changes: int | None, reported: str) -> None:
    found = restore_plan.check_discarded_changes(given, changes, manifest())
    assert bool(found) == bool(reported)
    assert reported in " ".join(map(str, found))


def test_a_lockout_since_the_backup_needs_no_number() -> None:
    assert planned(facts(locked_out=True, changes=510))[1] == []
