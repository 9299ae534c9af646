from __future__ import annotations

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import SchemaCheck
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import content_snapshot, migration_sessions


def test_a_migration_gives_up_a_lock_and_ends_with_its_client() -> None:
    assert (
        migration_sessions.session_options(1.5, 170000) == "-c lock_timeout=1500 -c client_connection_check_interval=1s"
    )
    assert migration_sessions.session_options(5, 130000) == "-c lock_timeout=5000"


def test_a_migrator_gives_up_a_lock_with_every_driver() -> None:
    admin = FakeSession()
    migration_sessions.set_lock_timeout(admin, "shop", "shop_migrator", 5)
    assert admin.statements == ['ALTER ROLE "shop_migrator" IN DATABASE "shop" SET lock_timeout TO 5000']


def test_sessions_are_those_of_the_migrator_or_have_its_name() -> None:
    assert (
        migration_sessions.of_migration("shop", None) == "datname = 'shop' AND application_name = 'switchyard-migrate'"
    )
    assert "OR usename = 'shop_migrator')" in migration_sessions.of_migration("shop", "shop_migrator")


def test_what_a_killed_migration_left_is_ended() -> None:
    admin = FakeSession()
    row = {"usename": "shop_migrator", "application_name": ""}
    ended = "pg_terminate_backend"
    admin.answers["SELECT DISTINCT usename"] = lambda: [] if any(ended in one for one in admin.statements) else [row]
    assert migration_sessions.terminate_sessions(admin, "shop", "shop_migrator") == ["shop_migrator (no name)"]


def test_no_session_is_ended_where_nothing_was_left() -> None:
    admin = FakeSession()
    assert migration_sessions.terminate_sessions(admin, "shop", "shop_migrator") == []
    assert not any("pg_terminate_backend" in one for one in admin.statements)


def test_who_holds_the_lock_is_named_without_the_text_of_a_query() -> None:
    row = {"pid": 7, "login": "shop", "application": "", "state": None, "client": "10.0.0.2", "seconds": 90}
    admin = FakeSession({"pg_blocking_pids": [row]})
    expected = "shop (pid 7, no name, from 10.0.0.2, working, its transaction began 90 s ago)"
    assert migration_sessions.blockers(admin, "shop", None) == [expected]
    assert "a.application_name = 'switchyard-migrate'" in admin.statements[0]
    assert ".query " not in admin.statements[0]
    migration_sessions.blockers(admin, "shop", "m")
    assert "a.usename = 'm'" in admin.statements[1]


def test_who_may_come_and_whether_there_is_anything_to_lose() -> None:
    assert migration_sessions.enabled_logins(FakeSession({"has_database_privilege": [{"name": "shop"}]}), "shop") == [
        "shop"
    ]
    assert content_snapshot.has_no_tables(FakeSession())
    assert not content_snapshot.has_no_tables(FakeSession({"pg_class": [{"name": "public.a", "columns": None}]}))


VERIFY = SchemaCheck("SELECT version", "7")


def test_a_migration_that_left_everything_as_it_should_be() -> None:
    migration_sessions.check_result(FakeSession({"^SELECT version$": ["7"]}), VERIFY)
    migration_sessions.check_result(FakeSession(), None)


def test_everything_that_a_migration_left_wrong_is_reported_at_once() -> None:
    inside = FakeSession({"indisvalid": [{"name": "public.a_idx"}], "^SELECT version$": ["6"]})
    with pytest.raises(SwitchyardError) as failed:
        migration_sessions.check_result(inside, VERIFY)
    assert "DROP INDEX CONCURRENTLY public.a_idx" in str(failed.value)
    assert "'SELECT version' answers '6', not '7'" in str(failed.value)


def test_a_query_that_the_server_refuses_is_reported() -> None:
    with pytest.raises(SwitchyardError, match="'SELECT version' is refused"):
        migration_sessions.check_result(FakeSession(errors={"^SELECT version$": "42P01"}), VERIFY)
