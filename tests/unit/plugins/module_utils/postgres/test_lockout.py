from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import hba_lockout, lockout


class Cluster(FakeSession):
    """Logins that are open, and who has a session."""

    def __init__(self, *logins: str, stubborn: bool = False) -> None:
        super().__init__()
        self.open = set(logins)
        self.inside = set(logins)
        self.stubborn = stubborn

    def run(self, statement: str, limit: float | None = None) -> list[str]:
        words = statement.replace('"', "").split()
        if words[:2] == ["ALTER", "ROLE"]:
            (self.open.discard if words[3] == "NOLOGIN" else self.open.add)(words[2])
        if "pg_terminate_backend" in statement and not self.stubborn:
            self.inside.clear()
        return super().run(statement)

    def rows(self, query: str, limit: float | None = None) -> list[dict[str, t.Any]]:
        self.statements.append(query)
        if "pg_roles" in query:
            return [{"rolname": one} for one in sorted(self.open) if f"'{one}'" in query]
        return [{"usename": one, "application_name": "app"} for one in sorted(self.inside)]


def test_up_keeps_out_and_ends_and_down_lets_in(tmp_path: Path) -> None:
    lockout_file, cluster = lockout.LockoutFile(tmp_path), Cluster("app", "worker")
    admin = t.cast("t.Any", cluster)
    active = lockout_file.lock_out(admin, "shop", ["app", "worker", "gone"])
    assert (active.logins, cluster.open, cluster.inside) == (["app", "worker"], set(), set())
    assert lockout.is_active(admin, lockout_file.read())
    # A second time it is the same lockout: its logins are kept.
    assert lockout_file.lock_out(admin, "shop", ["app", "worker"]) == active
    assert lockout_file.lift(admin)
    assert cluster.open == {"app", "worker"}
    assert not lockout_file.lift(admin)


def test_a_lockout_with_an_open_login_is_not_active(tmp_path: Path) -> None:
    lockout_file, cluster = lockout.LockoutFile(tmp_path), Cluster("app")
    admin = t.cast("t.Any", cluster)
    active = lockout_file.lock_out(admin, "shop", ["app"])
    cluster.inside.add("app")
    assert not lockout.is_active(admin, active)
    cluster.inside.clear()
    cluster.open.add("app")
    assert not lockout.is_active(admin, active)
    assert not lockout.is_active(admin, None)


def test_it_is_written_before_a_login_is_disabled(tmp_path: Path) -> None:
    lockout_file, cluster = lockout.LockoutFile(tmp_path), Cluster("app")
    known: list[bool] = []
    run = cluster.run

    def look(statement: str, limit: float | None = None) -> list[str]:
        if statement.endswith("NOLOGIN"):
            known.append(lockout_file.read() is not None)
        return run(statement)

    cluster.run = look  # type: ignore[method-assign]
    lockout_file.lock_out(t.cast("t.Any", cluster), "shop", ["app"])
    assert known == [True]


def test_a_dedicated_server_rejects_connections_and_disables_no_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(hba_lockout, "close", lambda admin, database: closed.append(database))
    monkeypatch.setattr(hba_lockout, "open_again", lambda admin, database: closed.remove(database))
    monkeypatch.setattr(hba_lockout, "is_closed", lambda admin, database: database in closed)
    lockout_file, cluster = lockout.LockoutFile(tmp_path), Cluster("app")
    admin = t.cast("t.Any", cluster)
    active = lockout_file.lock_out(admin, "shop", [], dedicated=True)
    assert (closed, cluster.open, lockout.is_active(admin, active)) == (["shop"], {"app"}, True)
    lockout_file.admit(admin)
    # The same lockout can be enforced again: a failed release restores behind it.
    assert (closed, lockout.is_active(admin, lockout_file.read())) == ([], False)
    assert lockout_file.lock_out(admin, "shop", []) == active
    assert lockout_file.lift(admin)
    assert (closed, lockout_file.read()) == ([], None)


def test_no_login_is_locked_out_without_one() -> None:
    admin = t.cast("t.Any", FakeSession())
    assert lockout.enabled_logins(admin, []) == []
    lockout.disable_logins(admin, [])
    assert admin.statements == []
