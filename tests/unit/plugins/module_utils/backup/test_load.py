from __future__ import annotations

import contextlib
import typing as t

import pytest
from fakes_postgres import LOCALE, PROPERTIES, FakeServer, FakeSession, manifest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import load
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.dump_process import DumpProcess
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import psql_session

TRGM = {"name": "pg_trgm", "version": "1.6", "schema": "public", "owner": "shop_prod"}


def test_an_empty_database_has_the_same_locale() -> None:
    assert load.create_database_statement("new", "shop", LOCALE) == (
        'CREATE DATABASE "new" WITH OWNER "shop" TEMPLATE template0 ENCODING \'UTF8\''
        " LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' LOCALE_PROVIDER libc"
    )
    icu = {**LOCALE, "provider": "i", "locale": "de-DE", "rules": "& a < b"}
    assert load.create_database_statement("n", "o", icu, "fast").endswith(
        "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' ICU_RULES '& a < b' TABLESPACE \"fast\""
    )
    builtin = {**LOCALE, "provider": "b", "locale": "C.UTF-8"}
    assert "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'" in load.create_database_statement("n", "o", builtin)


def test_a_server_before_15_knows_no_provider() -> None:
    assert "PROVIDER" not in load.create_database_statement("n", "o", {**LOCALE, "provider": None})


def test_public_loses_everything_and_the_rest_is_restored() -> None:
    properties: dict[str, t.Any] = {
        **PROPERTIES,
        "limit": 20,
        "comment": "it's ours",
        "grants": [
            {"role": "shop", "right": "CREATE", "pass_on": False},
            {"role": "reader", "right": "CONNECT", "pass_on": True},
        ],
        "settings": [
            {"role": None, "values": ["work_mem=8MB", 'search_path="$user", public', "shop.mode=on"]},
            {"role": "reader", "values": ["role=shop"]},
        ],
    }
    assert load.property_statements("new", "shop", properties) == [
        'REVOKE ALL ON DATABASE "new" FROM PUBLIC',
        'GRANT CONNECT ON DATABASE "new" TO "reader" WITH GRANT OPTION',
        'ALTER DATABASE "new" SET "work_mem" TO \'8MB\'',
        "ALTER DATABASE \"new\" SET \"search_path\" TO '$user', 'public'",
        'ALTER DATABASE "new" SET "shop"."mode" TO \'on\'',
        'ALTER ROLE "reader" IN DATABASE "new" SET "role" TO \'shop\'',
        'ALTER DATABASE "new" CONNECTION LIMIT 20',
        "COMMENT ON DATABASE \"new\" IS 'it''s ours'",
    ]


def test_on_a_dedicated_server_public_keeps_what_it_had() -> None:
    properties = {**PROPERTIES, "public": ["CONNECT"]}
    assert load.property_statements("new", "app", properties, dedicated=True)[1:] == [
        'GRANT CONNECT ON DATABASE "new" TO PUBLIC'
    ]
    assert len(load.property_statements("new", "app", properties)) == 1


def test_a_setting_cannot_say_more_than_a_setting() -> None:
    settings = [{"role": None, "values": ["search_path=a; DROP DATABASE x", "b.c=1'; DROP DATABASE x; --"]}]
    done = load.property_statements("new", "shop", {**PROPERTIES, "settings": settings})
    assert done[1].endswith("TO 'a; DROP DATABASE x'")
    assert done[2].endswith("TO '1''; DROP DATABASE x; --'")


def test_an_unknown_right_is_not_given_on() -> None:
    grants = [{"role": "x", "right": "EVERYTHING", "pass_on": False}]
    with pytest.raises(SwitchyardError, match="EVERYTHING"):
        load.property_statements("new", "shop", {**PROPERTIES, "grants": grants})


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", []),
        ("public", ["public"]),
        ('"$user", public', ["$user", "public"]),
        ('"a ""b"", c",d', ['a "b", c', "d"]),
    ],
)
def test_lists_of_names(value: str, names: list[str]) -> None:
    assert load.split_names(value) == names


def test_missing_extensions_are_reported_all_at_once() -> None:
    there = [{"name": "pg_trgm", "version": "1.5"}]
    backup = manifest(extensions=[TRGM, {**TRGM, "name": "postgis"}])
    found = load.missing_extensions(t.cast("t.Any", FakeSession({"available": there})), backup)
    assert [one.where for one in found] == ["pg_trgm", "postgis"]
    assert "has the extension pg_trgm 1.5, and the backup was made with 1.6" in str(found[0])


def test_extensions_are_made_by_whom_they_belonged_to() -> None:
    session = FakeSession()
    backup = manifest(extensions=[TRGM, {**TRGM, "name": "other", "schema": "ext", "owner": "postgres"}])
    assert load.create_extensions(t.cast("t.Any", session), backup, "shop_test") == ["ext"]
    assert session.statements == [
        'CREATE SCHEMA "ext" AUTHORIZATION "shop_test"',
        'SET ROLE "shop_test"',
        'CREATE EXTENSION IF NOT EXISTS "pg_trgm" WITH SCHEMA "public" VERSION \'1.6\'',
        "RESET ROLE",
        'CREATE EXTENSION IF NOT EXISTS "other" WITH SCHEMA "ext" VERSION \'1.6\'',
    ]


def test_an_extension_that_owners_may_not_make_is_made_for_them() -> None:
    tries = iter(["42501"])
    session = FakeSession()
    run = session.run

    def refuse_once(statement: str, limit: float | None = None) -> list[str]:
        if statement.startswith("CREATE EXTENSION"):
            for state in tries:
                raise psql_session.QueryError("permission denied", state)
        return run(statement)

    session.run = refuse_once  # type: ignore[method-assign]
    load.create_extensions(t.cast("t.Any", session), manifest(extensions=[TRGM]), "shop_prod")
    assert session.statements[1] == "RESET ROLE"
    assert session.statements[2].startswith("CREATE EXTENSION")


LIST = """;
; Archive created at 2026-11-21 11:23:15 UTC
2; 3079 16460 EXTENSION - pg_trgm
3478; 0 0 COMMENT - EXTENSION pg_trgm
6; 2615 16400 SCHEMA - ext shop_prod
7; 2615 16401 SCHEMA - extra shop_prod
215; 1259 16390 TABLE public EXTENSION shop_prod
3470; 0 16390 TABLE DATA public EXTENSION shop_prod
3471; 0 16391 MATERIALIZED VIEW DATA public first shop_prod
3472; 0 16392 MATERIALIZED VIEW DATA public second shop_prod
"""


def test_only_what_the_administrator_made_is_left_out() -> None:
    left = load.select_entries(LIST, ["ext"]).splitlines()
    assert [line.split(";")[0] for line in left if not line.startswith(";")] == ["7", "215", "3470"]


def test_materialized_views_are_filled_in_their_order_with_policies_applied() -> None:
    refreshes = load.select_refreshes(LIST)
    assert [line.split(";")[0] for line in refreshes.splitlines()] == ["3471", "3472"]
    server = FakeServer()
    server.output = LIST
    load.load(t.cast("t.Any", server), "new", "login", "/backup/dump", [], jobs=2)
    first, second = server.calls[1:]
    assert ("--enable-row-security" in first, "--enable-row-security" in second) == (False, True)
    assert (server.client.files[load.LIST], "--jobs=2" in second) == (refreshes, False)


def test_a_dump_is_loaded_wholly_or_not_at_all() -> None:
    server = FakeServer()
    server.output = LIST
    load.load(t.cast("t.Any", server), "new", "temporary", "/backup/dump", [])
    words = server.calls[1]
    assert {"--exit-on-error", "--single-transaction", "--no-owner"} <= set(words)
    assert words[0] == "temporary"
    assert "--no-acl" not in words
    followed = []

    @contextlib.contextmanager
    def following(running: DumpProcess) -> t.Iterator[None]:
        followed.append(running.program)
        yield

    load.load(
        t.cast("t.Any", server), "new", "temporary", "/backup/dump", [], jobs=2, restore_grants=False, follow=following
    )
    assert followed == ["pg_restore"]
    assert {"--jobs=2", "--no-acl"} <= set(server.calls[4])
    assert "--single-transaction" not in server.calls[4]


def test_sql_of_the_operator_runs_wholly_or_not_at_all_and_finds_tables() -> None:
    server = FakeServer()
    load.run_sql(t.cast("t.Any", server), "new", "temporary", "UPDATE a SET b = 1;")
    assert server.client.files[load.SQL_FILE] == 'SET search_path TO "$user", public;\nUPDATE a SET b = 1;\n'
    login, database, *words = server.calls[0]
    assert (login, database) == ("temporary", "new")
    assert {"--single-transaction", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse"} <= set(words)
