from __future__ import annotations

import typing as t

from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import role_definitions


def role(name: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return a role as a backup holds it."""
    attributes = dict.fromkeys(role_definitions.ATTRIBUTES, False) | {"rolinherit": True, "rolcanlogin": True}
    plain: dict[str, t.Any] = {"connections": -1, "verifier": None, "until": None, "member_of": [], "settings": []}
    return {"name": name, "attributes": attributes, **plain, **changes}


def test_missing_roles_are_created_with_all_that_a_role_has() -> None:
    found = [
        role("app", verifier="SCRAM-SHA-256$1", settings=["search_path=app, public"], connections=5),
        role("reader", member_of=[{"role": "app", "admin": True}, {"role": "gone", "admin": False}]),
        role("postgres"),
    ]
    statements = role_definitions.create_statements(found, {"postgres"})
    assert statements[0] == (
        'CREATE ROLE "app" NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS'
        " CONNECTION LIMIT 5 PASSWORD 'SCRAM-SHA-256$1'"
    )
    assert statements[1] == "ALTER ROLE \"app\" SET \"search_path\" TO 'app', 'public'"
    assert statements[-1] == 'GRANT "app" TO "reader" WITH ADMIN OPTION'
    assert len(statements) == 4


def test_a_scratch_server_gets_no_passwords() -> None:
    found = [role("app", verifier="SCRAM-SHA-256$1")]
    assert "PASSWORD" not in role_definitions.create_statements(found, (), passwords=False)[0]


def test_the_roles_are_read_from_the_server() -> None:
    admin = FakeSession({"pg_authid": [role("app")]})
    assert role_definitions.read(t.cast("t.Any", admin)) == [role("app")]
