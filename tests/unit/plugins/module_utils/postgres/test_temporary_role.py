from __future__ import annotations

import typing as t

import pytest
from fakes_postgres import FakeServer, FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    temporary_role,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.psql_session import (
    QueryError,
)


def test_a_temporary_role_is_a_member_of_the_owner_and_gone_afterwards() -> None:
    existing: list[dict[str, str]] = []
    admin = FakeSession({"FROM pg_roles": lambda: list(existing)})
    server = FakeServer()
    with temporary_role.temporary_role(t.cast("t.Any", server), t.cast("t.Any", admin), "shop", "0007") as name:
        assert name == "shop__temp_0007"
        assert name in server.passwords
        existing.append({"name": name})
        made = next(one for one in admin.statements if one.startswith("CREATE ROLE"))
        assert "NOSUPERUSER" in made
        assert 'IN ROLE "shop"' in made
        assert server.passwords[name] not in made
    assert server.passwords == {}
    assert admin.statements[-1] == 'DROP ROLE "shop__temp_0007"'


def test_what_a_temporary_role_was_made_to_own_passes_to_the_owner() -> None:
    inside = FakeSession()
    admin = FakeSession(
        {"FROM pg_roles WHERE starts_with": [{"name": "shop__temp_1"}], "pg_shdepend": [{"datname": "shop_prod"}]}
    )
    refusals = iter(["2BP01"])
    run = admin.run

    def refuse_once(statement: str, limit: float | None = None) -> list[str]:
        if statement.startswith("DROP ROLE"):
            for state in refusals:
                raise QueryError("objects depend on it", state)
        return run(statement)

    admin.run = refuse_once  # type: ignore[method-assign]
    server = FakeServer(shop_prod=inside)
    assert temporary_role.drop_temporary_roles(t.cast("t.Any", server), t.cast("t.Any", admin), "shop") == [
        "shop__temp_1"
    ]
    assert inside.statements == [
        'REASSIGN OWNED BY "shop__temp_1" TO "shop"',
        'DROP OWNED BY "shop__temp_1"',
    ]


@pytest.mark.parametrize(("allowed", "attribute"), [([{}], "BYPASSRLS"), ([], "NOBYPASSRLS")])
def test_a_reader_reads_past_row_security_where_the_administrator_may_create_one(
    allowed: list[dict[str, str]], attribute: str
) -> None:
    admin = FakeSession({"rolbypassrls AND": allowed})
    with temporary_role.reader(t.cast("t.Any", FakeServer()), t.cast("t.Any", admin), "shop", "1"):
        words = next(one for one in admin.statements if one.startswith("CREATE ROLE")).split()
        # The attribute is not inherited: such a session must not become the owner.
        assert (attribute in words, any("SET role" in one for one in admin.statements)) == (True, not allowed)


def test_a_long_owner_keeps_the_number() -> None:
    name = temporary_role.role_name("o" * 63, "0007")
    assert (len(name), name[-11:]) == (63, "__temp_0007")
