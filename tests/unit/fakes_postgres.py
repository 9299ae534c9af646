"""Stand-ins for a PostgreSQL server: they record statements and return a test's answers.

The Molecule scenario ``postgres`` tests with the real PostgreSQL.
"""

from __future__ import annotations

import contextlib
import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import manifest as backup_manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.checksums import checksum_folder
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.manifest import Manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.request import BackupRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.restore import RestoreResult
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import BackupStore
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.psql_session import QueryError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target

LOCALE = {"encoding": "UTF8", "collate": "C.UTF-8", "ctype": "C.UTF-8", "provider": "c", "locale": None, "rules": None}

PROPERTIES: dict[str, t.Any] = {"limit": -1, "tablespace": "pg_default", "comment": None, "grants": [], "settings": []}


def manifest(name: str = "20260101T000000Z-0001", **changes: t.Any) -> Manifest:
    """Return the manifest of a backup of ``shop_prod``."""
    values: dict[str, t.Any] = {
        "name": name,
        "project": "po",
        "environment": "prod",
        "stack": "shop",
        "database": "shop_prod",
        "owner": "shop_prod",
        "state": "dumped",
        "started": 1000.0,
        "finished": 1001.0,
        "format": "custom",
        "compression": "zstd:3",
        "parallel_jobs": 1,
        "server": {
            "number": 170006,
            "version": "17.6",
            "client_version": "17.6",
            "image": "sha256:pg",
            "oid": 5,
            "preload": "",
        },
        "number": int(name.rpartition("-")[2]),
        "locale": LOCALE,
        "properties": PROPERTIES,
        "extensions": [],
        "roles": ["shop_prod"],
        "tables": {"public.a": {"rows": 3, "content": "77"}},
        "sequences": {"public.a_id_seq": [4, 6]},
        "large_objects": 0,
        "database_bytes": 1000,
        "changes": {"changes": 100, "began": "once", "own": 0},
        "files": {"dump": {"sha256": "0" * 64, "bytes": 4}},
        **changes,
    }
    return Manifest(**values)


def database(**changes: t.Any) -> dict[str, t.Any]:
    """Return a database as ``catalog.database_facts`` does."""
    return {
        "oid": 5,
        "name": "shop_prod",
        "owner": "shop_prod",
        "owner_is_superuser": False,
        "open": True,
        "locale": LOCALE,
        "properties": PROPERTIES,
        "logins": ["shop_prod"],
        "bytes": 1000,
        **changes,
    }


SERVER = {"number": 170006, "version": "17.6", "preload": "", "can_administer": True}


def backup_request(**changes: t.Any) -> BackupRequest:
    """Return the request for a backup of ``shop`` in ``prod``."""
    target = changes.pop("target", Target(container="po-postgres"))
    return BackupRequest("po", "prod", "shop", target, "shop_prod", **changes)


def backup_store(root: Path) -> BackupStore:
    """Return the backup store of ``shop`` in ``prod``."""
    return BackupStore(root, "po", "prod", "shop")


def add_backup(
    store: BackupStore, name: str = "20260101T000000Z-0001", content: bytes = b"dump", **changes: t.Any
) -> Manifest:
    """Add a complete backup to a store."""
    folder = store.folder / name
    folder.mkdir(parents=True)
    (folder / "dump").write_bytes(content)
    backup = manifest(name, files=checksum_folder(folder), **changes)
    backup_manifest.write(folder, backup)
    return backup


class FakeSession:
    """A session that records statements; the first pattern that a query matches gives its rows."""

    def __init__(self, answers: dict[str, t.Any] | None = None, errors: dict[str, str] | None = None) -> None:
        self.statements: list[str] = []
        self.answers = answers or {}
        self.errors = errors or {}

    def run(self, statement: str, limit: float | None = None) -> list[str]:
        self.statements.append(statement)
        for pattern, state in self.errors.items():
            if re.search(pattern, statement):
                raise QueryError(f"refused: {statement}", state)
        return [str(line) for line in self._answer(statement)]

    def rows(self, query: str, limit: float | None = None) -> list[dict[str, t.Any]]:
        self.run(query)
        return self._answer(query)

    def one(self, query: str, limit: float | None = None) -> dict[str, t.Any]:
        return self.rows(query)[0]

    def __enter__(self) -> FakeSession:
        return self

    def __exit__(self, *dummy: object) -> None:
        pass

    def _answer(self, statement: str) -> list[t.Any]:
        for pattern, answer in self.answers.items():
            if re.search(pattern, statement, re.DOTALL):
                return answer() if callable(answer) else answer
        return []


class FakeClient:
    """A client container that records its files."""

    name = "po_shop_prod_backup-1"
    image = "sha256:pg"

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def put(self, path: str, content: str) -> None:
        self.files[path] = content


class FakeServer:
    """A server with one session per database."""

    client_version = "17.6"
    client_major_version = 17
    application_name = "po_shop_prod_backup-1"
    dedicated = False
    user = "postgres"

    def __init__(self, **sessions: FakeSession) -> None:
        self.sessions = sessions
        self.client = FakeClient()
        self.passwords: dict[str, str] = {}
        self.calls: list[list[str]] = []
        self.output = ""

    def session(self, database: str | None = None, login: str | None = None) -> FakeSession:
        return self.sessions[database or "postgres"]

    def call(self, args: t.Iterable[str], database: str, login: str, limit: float | None = None) -> str:
        self.calls.append([login, database, *args])
        return self.output

    def program(self, args: t.Iterable[str], database: str, login: str) -> list[str]:
        self.calls.append([login, database, *args])
        return ["true"]

    def remember(self, login: str, password: str) -> None:
        self.passwords[login] = password

    def forget(self, login: str) -> None:
        self.passwords.pop(login, None)


def connecting_to(server: FakeServer) -> t.Any:
    """Return a current-in for ``server.connect`` that yields this server."""

    @contextlib.contextmanager
    def connect(*dummy: t.Any, **more: t.Any) -> Iterator[FakeServer]:
        yield server

    return connect


def restored(retained: str | None = None) -> RestoreResult:
    """Return the result of a restore of ``shop_prod``."""
    backup = manifest().summary()
    return RestoreResult(True, {}, backup, "shop_prod", retained, 0, False, False, True, None)
