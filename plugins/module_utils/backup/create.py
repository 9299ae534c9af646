# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates a backup: pg_dump and the row counts use one snapshot of the database."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import dataclass, field, replace

from .. import state_file
from ..engine.docker_client import Engine
from ..errors import Problem
from ..paths import free_bytes
from ..postgres import catalog, change_counters, content_snapshot, temporary_role
from ..postgres import server as postgres_server
from ..postgres.client_container import Mount
from ..postgres.lockout import LockoutFile, is_active
from ..postgres.psql_session import PsqlSession
from ..postgres.server import PostgresServer
from . import copy_progress, restore_journal, retention, role_definitions
from . import verify as backup_verify
from .checksums import checksum_folder
from .dump_process import DumpProcess, private_umask, timed
from .manifest import STATE_AFTER, BackupSummary, Manifest
from .request import BACKUP_MOUNT, BackupRequest, raise_for
from .store import PARTIAL, BackupStore

# Bytes kept free in addition to the dump: for the manifest and the file system.
MARGIN = 64 * 1024**2


@dataclass(frozen=True)
class BackupFacts:
    """The state of the server and the disk before a backup; ``lockout`` is the id of the active lockout."""

    server: dict[str, t.Any]
    database: dict[str, t.Any] | None
    client_version: str
    image: str
    free_bytes: int
    cpus: int
    lockout: str | None


@dataclass(frozen=True)
class BackupPlan:
    """The backup that will be made, and the backups that will be removed after it."""

    name: str
    database: str
    owner: str
    format: str
    compression: str
    parallel_jobs: int
    required_bytes: int
    free_bytes: int
    verify: str
    remove: list[str]

    @property
    def diff(self) -> str:
        """The plan as a line of a diff."""
        return f"{self.name}: {self.database}, {self.format}, {self.compression}, verify: {self.verify}\n"


@dataclass(frozen=True)
class BackupResult:
    """A backup that was made or verified. In check mode it has its ``plan`` where one would be made.

    ``recovery_action`` is what became of an interrupted restore, ``seconds`` how long each part took.
    """

    changed: bool
    name: str
    diff: t.Mapping[str, str]
    removed: t.Sequence[str]
    recovery_action: str | None
    backup: BackupSummary | None = None
    plan: BackupPlan | None = field(default=None, metadata=state_file.when_set())
    seconds: t.Mapping[str, float] | None = field(default=None, metadata=state_file.when_set())
    copied_offsite: bool | None = field(default=None, metadata=state_file.when_set())
    removed_offsite: t.Sequence[str] | None = field(default=None, metadata=state_file.when_set())


def plan_backup(
    request: BackupRequest, facts: BackupFacts, backups: t.Sequence[Manifest], name: str, now: float
) -> tuple[BackupPlan, list[Problem]]:
    """Return the plan, and every problem that prevents the backup."""
    database = facts.database or {"bytes": 0, "owner": "", "owner_is_superuser": False}
    client_major_version = int(facts.client_version.split(".")[0])
    large = database["bytes"] >= request.parallel_from
    dump_format = request.format if request.format != "auto" else ("directory" if large else "custom")
    parallel_jobs = request.parallel_jobs or max(1, min(4, facts.cpus // 2))
    compression = request.compression
    if compression == "auto":
        compression = "zstd:3" if client_major_version >= 16 else "gzip:6"
    planned = retention.PlannedBackup(name, STATE_AFTER[request.verify], now)
    plan = BackupPlan(
        name=name,
        database=request.database,
        owner=database["owner"],
        format=dump_format,
        compression=compression,
        parallel_jobs=parallel_jobs if dump_format == "directory" else 1,
        required_bytes=required_bytes(database["bytes"], backups),
        free_bytes=facts.free_bytes,
        verify=request.verify,
        remove=retention.backups_to_remove([*backups, planned], request.retention, now, request.keep_names),
    )
    return plan, _problems(request, facts, plan, client_major_version)


def _problems(request: BackupRequest, facts: BackupFacts, plan: BackupPlan, client_major_version: int) -> list[Problem]:
    problems = []

    def add(where: str, message: str, hint: str, code: str) -> None:
        problems.append(Problem(where, message, hint, code))

    if facts.database is None:
        message = f"there is no database {request.database}"
        add("database", message, "Check its name, or run setup.yml", code="postgres.database_missing")
    elif facts.database["owner_is_superuser"] and not request.target.dedicated:
        message = (
            f"{request.database} belongs to {plan.owner}, a superuser: code stored in it would run with all privileges"
        )
        hint = "Give it to a role of its own: ALTER DATABASE ... OWNER TO"
        add("database", message, hint, code="postgres.superuser_owns_database")
    if client_major_version < int(facts.server["number"]) // 10000:
        message = f"its programs are version {facts.client_version}, and the server is {facts.server['version']}"
        hint = "Use an image of the server's version or of a newer one"
        add("image", message, hint, code="postgres.client_too_old")
    if not facts.server["can_administer"]:
        message = f"{request.target.user} may not create roles and databases"
        hint = "Use an administrator, with CREATEROLE and CREATEDB"
        add("user", message, hint, code="postgres.user_not_administrator")
    if client_major_version < 16 and not plan.compression.startswith(("gzip", "none")):
        message = f"{plan.compression} needs PostgreSQL 16, and the programs are version {facts.client_version}"
        add("compression", message, "Use gzip:6", code="backup.compression")
    if plan.required_bytes > plan.free_bytes:
        message = (
            f"the dump may need {plan.required_bytes >> 20} MiB, and {plan.free_bytes >> 20} MiB are free on the disk"
        )
        add("root", message, "Free some disk space, or keep fewer backups", code="backup.disk_space")
    return problems


def required_bytes(database_bytes: int, backups: t.Sequence[Manifest]) -> int:
    """Return the bytes that a dump may need: 1.5 times the last one's share of its database, at most the database."""
    most = database_bytes + MARGIN
    last = next((backup for backup in backups if backup.database_bytes > 0), None)
    return min(most, int(1.5 * last.bytes * database_bytes / last.database_bytes) + MARGIN) if last else most


def compress_option(compression: str, client_major_version: int) -> str:
    """Return the value of pg_dump's ``--compress``; before version 16 it took only levels of gzip."""
    if compression == "none":
        return "0" if client_major_version < 16 else "none"
    method, dummy, level = compression.partition(":")
    return (level or "6") if client_major_version < 16 and method == "gzip" else compression


def create_backup(engine: Engine, store: BackupStore, request: BackupRequest, check_mode: bool = False) -> BackupResult:
    """Create and verify a backup.

    Raises SwitchyardError with all problems before anything changes. A failed dump leaves nothing. A backup that
    cannot be verified stays in the state ``dumped``, and the error says why.
    """
    raise_for(request.problems(), request)
    if check_mode:
        return _create(engine, store, request, check_mode=True)
    with store.locked():
        request.remove_leftover_containers(engine)
        store.remove_partials()
        return _create(engine, store, request, check_mode=False)


def _create(engine: Engine, store: BackupStore, request: BackupRequest, check_mode: bool) -> BackupResult:
    started = time.time()
    name = store.next_name(started)
    run = name.rpartition("-")[2]
    with contextlib.ExitStack() as stack:
        mounts = []
        if not check_mode:
            mounts = [Mount(str(stack.enter_context(store.writing(name))), BACKUP_MOUNT, writable=True)]
        container = request.container("backup", "check" if check_mode else run)
        server = stack.enter_context(postgres_server.connect(engine, request.target, container, request.labels, mounts))
        admin_session = stack.enter_context(server.session())
        recovery_action = None if check_mode else restore_journal.finish_interrupted(admin_session, store.folder)
        facts = _gather_facts(server, admin_session, store, request)
        plan, problems = plan_backup(request, facts, store.usable(), name, started)
        raise_for(problems, request)
        planned = BackupResult(True, name, store.diff(plan.remove, plan.diff), plan.remove, recovery_action)
        if check_mode:
            return replace(planned, plan=plan)
        seconds: dict[str, float] = {}
        with timed(seconds, "dump"):
            manifest = _dump(server, admin_session, store, request, facts, plan, started, run)
        store.publish(name, manifest)
    if request.verify != "none":
        with timed(seconds, "verify"):
            manifest = backup_verify.verify(engine, store, manifest, request, request.verify)
    # Decided again: the state that the new backup reached is known now.
    removed = retention.backups_to_remove(store.usable(), request.retention, time.time(), request.keep_names)
    store.remove(removed)
    return replace(planned, removed=removed, backup=manifest.summary(), seconds=seconds)


def _gather_facts(
    server: PostgresServer, admin_session: PsqlSession, store: BackupStore, request: BackupRequest
) -> BackupFacts:
    lockout = LockoutFile(store.folder).read()
    return BackupFacts(
        server=catalog.server_facts(admin_session),
        database=catalog.database_facts(admin_session, request.database),
        client_version=server.client_version,
        image=server.client.image,
        free_bytes=free_bytes(store.folder),
        cpus=os.cpu_count() or 1,
        lockout=lockout.id if lockout and is_active(admin_session, lockout) else None,
    )


def _dump(
    server: PostgresServer,
    admin_session: PsqlSession,
    store: BackupStore,
    request: BackupRequest,
    facts: BackupFacts,
    plan: BackupPlan,
    started: float,
    run: str,
) -> Manifest:
    """Dump and count one snapshot; return the manifest."""
    database = t.cast("dict[str, t.Any]", facts.database)
    folder = store.folder / f"{plan.name}{PARTIAL}"
    with contextlib.ExitStack() as stack:
        login = stack.enter_context(temporary_role.reader(server, admin_session, plan.owner, run))
        session = stack.enter_context(server.session(plan.database, login))
        # Counted before the snapshot: a change in between counts as one after the backup.
        changes = change_counters.count_changes(session, plan.database)
        catalog.read_only(session)
        snapshot = session.run("SELECT pg_export_snapshot()")[0]
        first = content_snapshot.sequences(session)
        args = [
            *("pg_dump", "--verbose", "--no-password", "--lock-wait-timeout=30s", f"--format={plan.format}"),
            *("--no-subscriptions", f"--compress={compress_option(plan.compression, server.client_major_version)}"),
            *(f"--snapshot={snapshot}", f"--file={BACKUP_MOUNT}/dump"),
            *([f"--jobs={plan.parallel_jobs}"] if plan.format == "directory" else []),
        ]
        tables: dict[str, dict[str, t.Any]] = {}
        copied = copy_progress.CopiedRows(tables, parallel=plan.parallel_jobs > 1)
        command = server.program(private_umask(args), plan.database, login)
        with (
            DumpProcess(command, "pg_dump") as process,
            copy_progress.follow_copy(store.folder, "dump", server, copied, process),
        ):
            content_snapshot.table_checksums(session, request.verify_content, tables)
            copied.of = sum(table["rows"] for table in tables.values())
            content: dict[str, t.Any] = {
                "role_definitions": role_definitions.read(admin_session) if server.dedicated else [],
                "extensions": content_snapshot.extensions(session),
                "roles": sorted(set(content_snapshot.referenced_roles(session)) - {login}),
                "large_objects": content_snapshot.large_objects(session),
                "schema_version": catalog.first_row(session, request.version_query),
            }
            process.wait()
        last = content_snapshot.sequences(session)
    files = checksum_folder(folder, plan.parallel_jobs, store.folder)
    return Manifest(
        name=plan.name,
        project=request.project,
        environment=request.environment,
        stack=request.stack,
        database=plan.database,
        owner=plan.owner,
        state="dumped",
        started=started,
        finished=time.time(),
        format=plan.format,
        compression=plan.compression,
        parallel_jobs=plan.parallel_jobs,
        server={
            "number": facts.server["number"],
            "version": facts.server["version"],
            "client_version": facts.client_version,
            "image": facts.image,
            "preload": facts.server["preload"],
            "oid": database["oid"],
        },
        number=retention.sequence_number(plan.name),
        locale=database["locale"],
        properties=database["properties"],
        tables=tables,
        sequences={name: [value, last.get(name, value)] for name, value in first.items()},
        database_bytes=database["bytes"],
        changes=changes,
        files=files,
        version_query=request.version_query,
        release=request.release,
        lockout=facts.lockout,
        source=request.source,
        dedicated=server.dedicated,
        verified_at={"dumped": time.time()},
        **content,
    )
