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

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import create, verify
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.create import MARGIN, BackupFacts
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.request import GIGABYTE
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.retention import RetentionPolicy
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server as postgres_server

NAME = "20260102T000000Z-0002"


def facts(**changes: t.Any) -> BackupFacts:
    plain = BackupFacts(
        server=SERVER,
        database=database(),
        client_version="17.6",
        image="sha256:pg",
        free_bytes=10 * GIGABYTE,
        cpus=8,
        lockout=None,
    )
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize(
    ("asked", "size", "form", "jobs"),
    [
        ({}, 1000, "custom", 1),
        ({}, 10 * GIGABYTE, "directory", 4),
        ({"format": "directory", "parallel_jobs": 2}, 1000, "directory", 2),
        ({"format": "custom", "parallel_jobs": 2}, 10 * GIGABYTE, "custom", 1),
        ({"parallel_from": 500}, 1000, "directory", 4),
    ],
)
def test_the_format_follows_the_size(asked: dict[str, t.Any], size: int, form: str, jobs: int) -> None:
    looked = facts(database=database(bytes=size), free_bytes=100 * GIGABYTE)
    made, problems = create.plan_backup(backup_request(**asked), looked, [], NAME, 0.0)
    assert (made.format, made.parallel_jobs, problems) == (form, jobs, [])


@pytest.mark.parametrize(
    ("client", "asked", "compression", "word"),
    [
        ("17.6", "auto", "zstd:3", "zstd:3"),
        ("15.1", "auto", "gzip:6", "6"),
        ("15.1", "none", "none", "0"),
        ("17.6", "none", "none", "none"),
        ("17.6", "gzip:9", "gzip:9", "gzip:9"),
    ],
)
def test_compression_as_the_programs_know_it(client: str, asked: str, compression: str, word: str) -> None:
    looked = facts(client_version=client, server={**SERVER, "number": 150001})
    made, problems = create.plan_backup(backup_request(compression=asked), looked, [], NAME, 0.0)
    assert (made.compression, problems) == (compression, [])
    assert create.compress_option(compression, int(client[:2])) == word


def test_everything_in_the_way_is_reported_at_once() -> None:
    looked = facts(
        database=database(owner_is_superuser=True, owner="postgres", bytes=20 * GIGABYTE),
        server={**SERVER, "can_administer": False},
        client_version="15.1",
    )
    problems = create.plan_backup(backup_request(compression="lz4"), looked, [], NAME, 0.0)[1]
    assert [problem.where for problem in problems] == ["database", "image", "user", "compression", "root"]


def test_a_database_that_is_not_there_is_reported() -> None:
    problems = create.plan_backup(backup_request(), facts(database=None), [], NAME, 0.0)[1]
    assert "there is no database shop_prod" in str(problems[0])


def test_the_room_that_is_needed_follows_the_last_dump() -> None:
    last = manifest(database_bytes=1000 * GIGABYTE, files={"dump": {"sha256": "0" * 64, "bytes": 100 * GIGABYTE}})
    assert create.required_bytes(1000 * GIGABYTE, []) == 1000 * GIGABYTE + MARGIN
    assert create.required_bytes(1000 * GIGABYTE, [last]) == 150 * GIGABYTE + MARGIN
    assert create.required_bytes(2000 * GIGABYTE, [last]) == 300 * GIGABYTE + MARGIN


def test_a_plan_counts_the_backup_that_it_makes() -> None:
    made = create.plan_backup(
        backup_request(retention=RetentionPolicy(count=1)), facts(), [manifest(state="restored")], NAME, 2000.0
    )[0]
    assert made.remove == ["20260101T000000Z-0001"]
    unverified = backup_request(retention=RetentionPolicy(count=1), verify="none")
    assert create.plan_backup(unverified, facts(), [manifest(state="restored")], NAME, 2000.0)[0].remove == []


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """Give a server with ``shop_prod``, and no engine."""
    admin = FakeSession(
        {
            "server_version_num": [SERVER],
            "WHERE d.datname = 'shop_prod'": [database()],
            "pg_roles WHERE starts_with": [],
        }
    )
    inside = FakeSession(
        {
            "pg_export_snapshot": ["00000003-1"],
            "pg_stat_sys_tables": [{"changes": 0}],
            "tup_inserted": [{"changes": 100, "began": "x"}],
            "relkind = 'r'": [{"name": "public.a", "columns": "id"}],
            "FROM ONLY": [{"rows": 3, "content": "77"}],
            "relkind = 'S'": [{"name": "s", "step": 1}],
            "FROM s": [{"value": 4, "used": True}],
            "pg_shdepend": [{"name": "shop_prod"}, {"name": "shop_prod__temp_0001"}],
            "largeobject": [{"rows": 0}],
        }
    )
    found = FakeServer(postgres=admin, shop_prod=inside)
    monkeypatch.setattr(postgres_server, "connect", connecting_to(found))
    monkeypatch.setattr(postgres_server, "remove_leftover_containers", lambda *names: [])
    monkeypatch.setattr(
        create, "checksum_folder", lambda folder, threads, progress_folder: {"dump": {"sha256": "0" * 64, "bytes": 4}}
    )
    return found


ENGINE = t.cast("t.Any", None)


def test_a_backup_is_of_one_snapshot(tmp_path: Path, server: FakeServer) -> None:
    store = backup_store(tmp_path)
    result = create.create_backup(ENGINE, store, backup_request(verify="none", release=7))
    made = store.get("latest")
    assert result.backup
    assert (result.changed, result.name, result.backup.state) == (True, made.name, "dumped")
    assert (made.release, made.tables["public.a"]["rows"], made.sequences, made.roles) == (
        7,
        3,
        {"s": [5, 5]},
        ["shop_prod"],
    )
    login, name, *words = server.calls[0]
    assert (login, name) == ("shop_prod__temp_0001", "shop_prod")
    assert {"--snapshot=00000003-1", "--no-password", "--compress=zstd:3"} <= set(words)
    statements = server.sessions["shop_prod"].statements
    begun = next(number for number, one in enumerate(statements) if one.startswith("BEGIN"))
    assert "READ ONLY" in statements[begun]
    # The counters first: what changes in between must count as changed afterwards.
    assert any("tup_inserted" in one for one in statements[:begun])


def test_check_mode_says_the_same_and_does_nothing(tmp_path: Path, server: FakeServer) -> None:
    store = backup_store(tmp_path)
    add_backup(store, state="restored")
    asked = backup_request(verify="none", retention=RetentionPolicy(count=1))
    looked = create.create_backup(ENGINE, store, asked, check_mode=True)
    assert store.names() == ["20260101T000000Z-0001"]
    assert server.calls == []
    done = create.create_backup(ENGINE, store, asked)
    assert (looked.changed, looked.removed) == (done.changed, done.removed)
    assert looked.diff["before"] == done.diff["before"] == "20260101T000000Z-0001\n"


def test_a_dump_that_fails_leaves_nothing(tmp_path: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["sh", "-c", "echo 'No space left on device' >&2; exit 1"]
    monkeypatch.setattr(server, "program", lambda *dummy: words)
    store = backup_store(tmp_path)
    with pytest.raises(SwitchyardError, match="Free some disk space"):
        create.create_backup(ENGINE, store, backup_request())
    assert (store.names(), store.partials(), server.passwords) == ([], [], {})


def test_a_backup_that_cannot_be_verified_keeps_its_state(
    tmp_path: Path, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unverified(*dummy: t.Any) -> t.NoReturn:
        raise verify.VerificationFailed("not what was dumped")

    monkeypatch.setattr(verify, "verify", unverified)
    store = backup_store(tmp_path)
    add_backup(store, state="restored")
    with pytest.raises(verify.VerificationFailed):
        create.create_backup(ENGINE, store, backup_request(retention=RetentionPolicy(count=1)))
    assert [one.state for one in store.usable()] == ["dumped", "restored"]


def test_problems_come_before_anything_is_done(tmp_path: Path, server: FakeServer) -> None:
    server.sessions["postgres"].answers["WHERE d.datname = 'shop_prod'"] = []
    store = backup_store(tmp_path)
    with pytest.raises(SwitchyardError, match="there is no database") as caught:
        create.create_backup(ENGINE, store, backup_request())
    assert caught.value.details["problems"][0]["where"] == "database"
    assert store.partials() == []
