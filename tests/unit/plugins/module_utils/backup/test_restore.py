from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
from fakes_postgres import (
    SERVER,
    FakeServer,
    FakeSession,
    add_backup,
    backup_request,
    backup_store,
    connecting_to,
    database,
    manifest,
)

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import load, restore_journal, swap
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore as backup_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.restore_plan import RestoreRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import BackupStore
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server as postgres_server
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.lockout import Lockout
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.psql_session import ConnectionLost

ENGINE = t.cast("t.Any", None)


class Cluster(FakeSession):
    """Databases by their numbers, and who can log in."""

    def __init__(self) -> None:
        super().__init__()
        self.names = {5: "shop_prod"}
        self.pending: dict[int, str] | None = None
        self.open = {"shop_prod"}
        self.entered = {"shop_prod"}
        self.changes = 100
        self.fail: dict[str, Exception] = {}

    def run(self, statement: str, limit: float | None = None) -> list[str]:
        self.statements.append(statement)
        for pattern, error in list(self.fail.items()):
            if pattern in statement:
                del self.fail[pattern]
                raise error
        words = statement.replace('"', "").split()
        if words[:2] == ["CREATE", "DATABASE"]:
            self.names[9] = words[2]
        elif words[:2] == ["DROP", "DATABASE"]:
            self.names = {number: name for number, name in self.names.items() if name != words[2]}
        elif "RENAME" in words:
            number = next(number for number, name in (self.pending or {}).items() if name == words[2])
            t.cast("dict[int, str]", self.pending)[number] = words[-1]
        elif statement == "BEGIN":
            self.pending = dict(self.names)
        elif statement == "COMMIT" and self.pending:
            self.names = self.pending
        elif words[:2] == ["ALTER", "ROLE"] and words[3] in ("LOGIN", "NOLOGIN"):
            (self.open.discard if words[3] == "NOLOGIN" else self.open.add)(words[2])
        elif "ALLOW_CONNECTIONS" in statement:
            (self.entered.add if words[-1] == "true" else self.entered.discard)(words[2])
        return []

    def rows(self, query: str, limit: float | None = None) -> list[dict[str, t.Any]]:
        self.statements.append(query)
        if "server_version_num" in query:
            return [SERVER]
        if "WHERE d.datname" in query:
            return [database(oid=number) for number, name in self.names.items() if name == "shop_prod"]
        if "rolcanlogin AND rolname IN" in query:
            return [{"rolname": one} for one in sorted(self.open)]
        if "rolsuper AS super" in query:
            return [{"rolname": "shop_prod", "super": False}]
        if "FROM pg_database" in query:
            return [{"oid": number, "name": name} for number, name in self.names.items()]
        if "pg_stat_sys_tables" in query:
            return [{"changes": 0}]
        if "tup_inserted" in query:
            return [{"changes": self.changes, "began": "once"}]
        return []


def inside() -> FakeSession:
    """Return a session in a database that is as the manifest says."""
    return FakeSession(
        {
            "relkind = 'r'": [{"name": "public.a", "columns": "id"}],
            "FROM ONLY": [{"rows": 3, "content": "77"}],
            "relkind = 'S'": [{"name": "public.a_id_seq", "step": 1}],
            "FROM public.a_id_seq": [{"value": 4, "used": True}],
            "largeobject": [{"rows": 0}],
            "pg_stat_sys_tables": [{"changes": 0}],
            "tup_inserted": [{"changes": 100, "began": "once"}],
        }
    )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cluster:
    """Give a server with ``shop_prod``, and a backup of it in the store."""
    admin = Cluster()
    server = FakeServer(postgres=admin, shop_prod=inside(), shop_prod__restore_1=inside())
    monkeypatch.setattr(postgres_server, "connect", connecting_to(server))
    monkeypatch.setattr(postgres_server, "remove_leftover_containers", lambda *names: [])
    monkeypatch.setattr(backup_restore, "data_free_bytes", lambda engine, name: None)
    monkeypatch.setattr(swap, "RECOVERY_TIMEOUT", 0.0)
    add_backup(backup_store(tmp_path))
    return admin


def restore(tmp_path: Path, check: bool = False, **asked: t.Any) -> backup_restore.RestoreResult:
    return backup_restore.restore_backup(
        ENGINE, backup_store(tmp_path), backup_request(), RestoreRequest("latest", **asked), check
    )


def test_a_restore_swaps_and_keeps_the_old_one(tmp_path: Path, cluster: Cluster) -> None:
    result = restore(tmp_path)
    assert result.changed
    assert cluster.names == {5: result.retained, 9: "shop_prod"}
    assert cluster.open == {"shop_prod"}
    assert set(result.seconds or ()) == {"load", "outage"}
    order = [
        next(number for number, one in enumerate(cluster.statements) if one.startswith(head))
        for head in (
            'REVOKE ALL ON DATABASE "shop_prod__restore_1" FROM PUBLIC',
            'ALTER ROLE "shop_prod" NOLOGIN',
            'ALTER DATABASE "shop_prod" ALLOW_CONNECTIONS false',
            "BEGIN",
            'ALTER DATABASE "shop_prod" RENAME',
            'ALTER DATABASE "shop_prod__restore_1" RENAME',
            "COMMIT",
            'ALTER ROLE "shop_prod" LOGIN',
        )
    ]
    assert order == sorted(order)
    assert restore_journal.load_journal(backup_store(tmp_path).folder) is None


def test_a_second_time_there_is_nothing_to_do(tmp_path: Path, cluster: Cluster) -> None:
    restore(tmp_path)
    again = restore(tmp_path)
    assert (again.changed, again.retained) == (False, None)
    assert again.diff["before"] == again.diff["after"]


def test_check_mode_says_the_same_and_does_nothing(tmp_path: Path, cluster: Cluster) -> None:
    looked = restore(tmp_path, check=True)
    assert not any(one.startswith(("CREATE", "ALTER", "DROP")) for one in cluster.statements)
    assert restore_journal.load_journal(backup_store(tmp_path).folder) is None
    done = restore(tmp_path)
    assert (looked.changed, looked.discarded_changes) == (done.changed, done.discarded_changes)


def test_changes_that_were_not_named_stop_it_before_anything(tmp_path: Path, cluster: Cluster) -> None:
    with postgres_server.connect(ENGINE, t.cast("t.Any", None), "x", {}) as found:
        t.cast("t.Any", found).sessions["shop_prod"].answers["tup_inserted"] = [{"changes": 610, "began": "once"}]
    with pytest.raises(SwitchyardError, match="510 row changes"):
        restore(tmp_path)
    assert cluster.names == {5: "shop_prod"}
    cluster.changes = 610
    assert restore(tmp_path, max_discarded_changes="510").discarded_changes == 510


def test_changes_at_the_last_moment_stop_it_and_all_is_as_before(tmp_path: Path, cluster: Cluster) -> None:
    cluster.changes = 101
    with pytest.raises(SwitchyardError, match=r"More was written in the meantime[\s\S]*is as it was before"):
        restore(tmp_path)
    assert (cluster.names, cluster.open, cluster.entered) == ({5: "shop_prod"}, {"shop_prod"}, {"shop_prod"})


def test_a_server_that_dies_inside_the_swap_is_all_old(tmp_path: Path, cluster: Cluster) -> None:
    cluster.fail['"shop_prod__restore_1" RENAME'] = ConnectionLost("the connection is gone.")
    with pytest.raises(SwitchyardError, match="is as it was before"):
        restore(tmp_path)
    assert (cluster.names, cluster.open, cluster.entered) == ({5: "shop_prod"}, {"shop_prod"}, {"shop_prod"})


def test_or_all_new(tmp_path: Path, cluster: Cluster) -> None:
    cluster.fail['ALTER ROLE "shop_prod" LOGIN'] = ConnectionLost("the connection is gone.")
    result = restore(tmp_path)
    assert (result.recovery_action, cluster.names[9], cluster.open) == ("finished", "shop_prod", {"shop_prod"})


def test_a_server_that_stays_away_is_reported_and_the_journal_is_kept(tmp_path: Path, cluster: Cluster) -> None:
    gone = ConnectionLost("the connection is gone.")
    cluster.fail['"shop_prod__restore_1" RENAME'] = gone
    cluster.fail["ALLOW_CONNECTIONS true"] = gone
    with pytest.raises(SwitchyardError, match="Start the restore again when the server answers"):
        restore(tmp_path)
    assert cluster.open == set()
    assert restore(tmp_path).recovery_action == "undone"
    assert (cluster.names[9], cluster.open) == ("shop_prod", {"shop_prod"})


def test_a_backup_that_was_changed_is_refused_before_anything(tmp_path: Path, cluster: Cluster) -> None:
    store = backup_store(tmp_path)
    (store.folder / store.names()[0] / "dump").write_bytes(b"dumq")
    with pytest.raises(SwitchyardError, match="another SHA-256"):
        restore(tmp_path)
    assert cluster.statements == []


def test_a_lockout_that_was_active_since_then_lets_it_pass(tmp_path: Path, cluster: Cluster) -> None:
    store = backup_store(tmp_path)
    add_backup(store, "20260102T000000Z-0002", lockout="f1")
    with postgres_server.connect(ENGINE, t.cast("t.Any", None), "x", {}) as found:
        sessions = t.cast("t.Any", found).sessions
        sessions["shop_prod"].answers["tup_inserted"] = [{"changes": 900, "began": "once"}]
        sessions["shop_prod__restore_2"] = inside()
    active = Lockout("f1", "shop_prod", ["shop_prod"], 1.0)
    atomic_file.write_json(store.folder / "lockout.json", dataclasses.asdict(active))
    # It leaks: the login was enabled again.
    with pytest.raises(SwitchyardError, match="800 row changes"):
        restore(tmp_path)
    cluster.open = set()
    assert restore(tmp_path).locked_out
    # The run that made the lockout ends it.
    assert cluster.open == set()


def test_writes_are_blocked_before_anything_is_loaded(tmp_path: Path, cluster: Cluster) -> None:
    result = restore(tmp_path, block_writes=True)
    first = next(number for number, one in enumerate(cluster.statements) if "CREATE DATABASE" in one)
    assert 'ALTER DATABASE "shop_prod" ALLOW_CONNECTIONS false' in cluster.statements[:first]
    assert result.seconds
    assert result.seconds["outage"] >= result.seconds["load"]


def test_closed_counts_before_it_loads_and_opens_again(tmp_path: Path, cluster: Cluster) -> None:
    cluster.changes = 101
    with pytest.raises(SwitchyardError, match=r"More was written in the meantime[\s\S]*is as it was before"):
        restore(tmp_path, block_writes=True)
    assert not any("CREATE DATABASE" in one for one in cluster.statements)
    assert (cluster.names, cluster.open, cluster.entered) == ({5: "shop_prod"}, {"shop_prod"}, {"shop_prod"})


def test_after_a_kill_a_look_does_not_ask_a_closed_database(tmp_path: Path, cluster: Cluster) -> None:
    gone = ConnectionLost("the connection is gone.")
    cluster.fail["CREATE DATABASE"] = gone
    cluster.fail["ALLOW_CONNECTIONS true"] = gone
    with pytest.raises(SwitchyardError, match="Start the restore again"):
        restore(tmp_path, block_writes=True)
    assert cluster.entered == set()
    with postgres_server.connect(ENGINE, t.cast("t.Any", None), "x", {}) as found:
        t.cast("t.Any", found).sessions["shop_prod"].answers["tup_inserted"] = [{"changes": 610, "began": "once"}]
    assert restore(tmp_path, check=True, block_writes=True).changed
    # What it would discard is still asked before it is done.
    with pytest.raises(SwitchyardError, match="510 row changes"):
        restore(tmp_path, block_writes=True)
    assert cluster.entered == {"shop_prod"}


@pytest.fixture
def other(tmp_path: Path, cluster: Cluster) -> BackupStore:
    """Return the store of another environment with a backup, of a database with another number."""
    store = BackupStore(tmp_path, "po", "test", "shop")
    server = {**manifest().server, "oid": 77}
    add_backup(store, environment="test", database="shop_test", owner="shop_test", server=server)
    return store


def seed(tmp_path: Path, source: BackupStore, **asked: t.Any) -> backup_restore.RestoreResult:
    return backup_restore.restore_backup(
        ENGINE, backup_store(tmp_path), backup_request(), RestoreRequest("latest", **asked), source=source
    )


def databases() -> dict[str, t.Any]:
    with postgres_server.connect(ENGINE, t.cast("t.Any", None), "x", {}) as found:
        server = t.cast("t.Any", found)
        return {**server.sessions, "server": server}


def test_what_is_in_the_way_must_be_named(tmp_path: Path, cluster: Cluster, other: BackupStore) -> None:
    with pytest.raises(SwitchyardError, match=r"the number of changes since the backup .* is unknown"):
        seed(tmp_path, other)
    assert seed(tmp_path, other, max_discarded_changes="unknown").changed


def test_nothing_is_in_the_way_of_an_empty_database(tmp_path: Path, cluster: Cluster, other: BackupStore) -> None:
    databases()["shop_prod"].answers.update({"relkind = 'r'": [], "relkind = 'S'": []})
    result = seed(tmp_path, other)
    assert (result.discarded_changes, result.grants_restored, cluster.names[9]) == (0, False, "shop_prod")
    # What is this environment's own stays; the journal is here, the backup there.
    assert atomic_file.read_json(restore_journal.origin_path(backup_store(tmp_path).folder))["environment"] == "test"
    assert not (other.folder / "restored-from.json").exists()
    restored = next(words for words in databases()["server"].calls if "--exit-on-error" in words)
    assert "--no-acl" in restored


def test_no_login_sees_it_before_it_is_anonymised(tmp_path: Path, cluster: Cluster, other: BackupStore) -> None:
    result = seed(tmp_path, other, max_discarded_changes="unknown", anonymise="UPDATE a SET name = 'x'")
    server = databases()["server"]
    words = next(words for words in server.calls if "psql" in words)
    assert (result.anonymised, words[0], words[1]) == (True, "shop_prod__temp_r1", "shop_prod__restore_1")
    assert "UPDATE a SET name = 'x'" in server.client.files["/run/switchyard/run.sql"]
    # The same backup is another one without it.
    assert not seed(tmp_path, other, anonymise="UPDATE a SET name = 'x'").changed
    databases()["shop_prod"].answers["tup_inserted"] = [{"changes": 200, "began": "once"}]
    with pytest.raises(SwitchyardError, match="To discard them"):
        seed(tmp_path, other)


def test_sql_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, cluster: Cluster, other: BackupStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*dummy: t.Any) -> None:
        raise SwitchyardError("psql ended with exit code 3.")

    monkeypatch.setattr(load, "run_sql", fail)
    with pytest.raises(SwitchyardError, match="is as it was before"):
        seed(tmp_path, other, max_discarded_changes="unknown", anonymise="nonsense", block_writes=True)
    assert (cluster.names, cluster.open, cluster.entered) == ({5: "shop_prod"}, {"shop_prod"}, {"shop_prod"})


def test_an_environment_without_backups_gets_no_folder(tmp_path: Path, cluster: Cluster) -> None:
    nowhere = BackupStore(tmp_path, "po", "nowhere", "shop")
    with pytest.raises(SwitchyardError, match="There is no backup latest"):
        seed(tmp_path, nowhere)
    assert not nowhere.folder.parent.exists()


def test_only_a_container_is_asked_for_its_free_space() -> None:
    class Inside:
        def exec(self, name: str, command: list[str]) -> tuple[int, str]:
            return 0, "overlay 100 40 60 40% /data"

    assert backup_restore.data_free_bytes(t.cast("t.Any", Inside()), "po-postgres") == 60 * 1024
    assert backup_restore.data_free_bytes(t.cast("t.Any", Inside()), None) is None
