# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup is made: pg_dump and the counting see one and the same moment of the database."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import asdict, dataclass

from ..engine.docker_client import Engine
from ..errors import Problem
from ..paths import free_bytes
from ..postgres import catalog, change_counters, content_snapshot, temporary_role
from ..postgres import server as postgres_server
from ..postgres.client_container import Mount
from ..postgres.lockout import LockoutFile, is_active
from ..postgres.psql_session import PsqlSession
from ..postgres.server import PostgresServer
from . import copy_progress, restore_journal, retention
from . import verify as backup_verify
from .checksums import checksum_folder
from .dump_process import DumpProcess, private_umask, timed
from .manifest import Manifest
from .request import INSIDE, BackupRequest, raise_for
from .store import PARTIAL, BackupStore

# What is left free beside the dump: the manifest, and the file system's own needs.
MARGIN = 64 * 1024**2


@dataclass(frozen=True)
class BackupFacts:
    """What was seen before anything is done."""

    server: dict[str, t.Any]
    database: dict[str, t.Any] | None
    client: str
    image: str
    free: int
    cpus: int
    fence: str | None


@dataclass(frozen=True)
class BackupPlan:
    """The backup that will be made, and those that go because of it."""

    name: str
    database: str
    owner: str
    format: str
    compression: str
    jobs: int
    needed: int
    free: int
    verify: str
    remove: list[str]

    @property
    def diff(self) -> str:
        """The plan as a diff shows it."""
        return f"{self.name}: {self.database}, {self.format}, {self.compression}, verify: {self.verify}\n"


def plan(
    wanted: BackupRequest, seen: BackupFacts, backups: t.Sequence[Manifest], name: str, now: float
) -> tuple[BackupPlan, list[Problem]]:
    """Return what to do, and everything that is in its way."""
    found = []
    database = seen.database or {"bytes": 0, "owner": "", "owner_is_superuser": False}
    client, server = int(seen.client.split(".")[0]), int(seen.server["number"]) // 10000
    if seen.database is None:
        found.append(
            Problem(
                "database",
                f"there is no database {wanted.database}",
                "Check its name, or run setup.yml",
                "postgres.database_missing",
            )
        )
    if database["owner_is_superuser"]:
        message = (
            f"{wanted.database} belongs to {database['owner']}, a superuser: what is planted in it would run as one"
        )
        found.append(
            Problem(
                "database",
                message,
                "Give it to a role of its own: ALTER DATABASE ... OWNER TO",
                "postgres.superuser_owns_database",
            )
        )
    if client < server:
        message = f"its programs are version {seen.client}, and the server is {seen.server['version']}"
        found.append(
            Problem(
                "image", message, "Give an image of the server's version or of a newer one", "postgres.client_too_old"
            )
        )
    if not seen.server["may"]:
        message = f"{wanted.target.user} may not make roles and databases"
        found.append(
            Problem(
                "user",
                message,
                "Give an administrator, with CREATEROLE and CREATEDB",
                "postgres.user_not_administrator",
            )
        )
    big = database["bytes"] >= wanted.parallel_from
    form = wanted.format if wanted.format != "auto" else ("directory" if big else "custom")
    jobs = wanted.jobs or max(1, min(4, seen.cpus // 2))
    compression = wanted.compression if wanted.compression != "auto" else ("zstd:3" if client >= 16 else "gzip:6")
    if client < 16 and not compression.startswith(("gzip", "none")):
        message = f"{compression} needs PostgreSQL 16, and the programs are version {seen.client}"
        found.append(Problem("compression", message, "Write gzip:6", "backup.compression"))
    needed = required_bytes(database["bytes"], backups)
    if needed > seen.free:
        message = f"{needed >> 20} MiB may be needed for the dump, and {seen.free >> 20} MiB are free"
        found.append(Problem("root", message, "Make room, or keep fewer backups", "backup.disk_space"))
    state = {"restore": "restored", "read": "read"}.get(wanted.verify, "dumped")
    gone = retention.backups_to_remove(
        [*backups, retention.PlannedBackup(name, state, now)], wanted.rule, now, wanted.named
    )
    made = BackupPlan(
        name=name,
        database=wanted.database,
        owner=database["owner"],
        format=form,
        compression=compression,
        jobs=jobs if form == "directory" else 1,
        needed=needed,
        free=seen.free,
        verify=wanted.verify,
        remove=gone,
    )
    return made, found


def required_bytes(database_bytes: int, backups: t.Sequence[Manifest]) -> int:
    """Return how many bytes a dump may need: half more than the last one did; at most what the database has."""
    most = database_bytes + MARGIN
    last = next((one for one in backups if one.database_bytes > 0), None)
    return min(most, int(1.5 * last.bytes * database_bytes / last.database_bytes) + MARGIN) if last else most


def compress_option(compression: str, client_major: int) -> str:
    """Return pg_dump's word for a compression; before 16 it knew only levels of gzip."""
    if compression == "none":
        return "0" if client_major < 16 else "none"
    method, dummy, level = compression.partition(":")
    return (level or "6") if client_major < 16 and method == "gzip" else compression


def create_backup(engine: Engine, shelf: BackupStore, wanted: BackupRequest, check: bool = False) -> dict[str, t.Any]:
    """Make a backup and prove it; return the module's result.

    Raises SwitchyardError with all problems before anything is done. A dump that fails leaves nothing behind. One that
    cannot be proved stays as what it is, ``dumped``, and the error says so.
    """
    raise_for(wanted.problems(), wanted)
    if check:
        return _backup(engine, shelf, wanted, check=True)
    with shelf.locked():
        postgres_server.remove_leftover_containers(engine, wanted.project, wanted.environment, wanted.stack)
        shelf.sweep()
        return _backup(engine, shelf, wanted, check=False)


def _backup(engine: Engine, shelf: BackupStore, wanted: BackupRequest, check: bool) -> dict[str, t.Any]:
    started = time.time()
    name = shelf.next_name(started)
    run = name.rpartition("-")[2]
    with contextlib.ExitStack() as stack:
        mounts = [] if check else [Mount(str(stack.enter_context(shelf.begun(name))), INSIDE, writable=True)]
        container = wanted.container("backup", "check" if check else run)
        server = stack.enter_context(postgres_server.connect(engine, wanted.target, container, wanted.labels, mounts))
        admin = stack.enter_context(server.session())
        recovered = None if check else restore_journal.finish_interrupted(admin, shelf.folder)
        fence = LockoutFile(shelf.folder).read()
        seen = BackupFacts(
            server=catalog.server_facts(admin),
            database=catalog.database_facts(admin, wanted.database),
            client=server.client,
            image=server.bench.image,
            free=free_bytes(shelf.folder),
            cpus=os.cpu_count() or 1,
            fence=fence.id if fence and is_active(admin, fence) else None,
        )
        whole = shelf.whole()
        made, problems = plan(wanted, seen, whole, name, started)
        raise_for(problems, wanted)
        before = "".join(f"{one}\n" for one in reversed(shelf.names()))
        after = "".join(f"{one}\n" for one in reversed(shelf.names()) if one not in made.remove) + made.diff
        result: dict[str, t.Any] = {
            "changed": True,
            "diff": {"before": before, "after": after},
            "removed": made.remove,
            "name": name,
        }
        result["recovered"] = recovered
        if check:
            return {**result, "backup": None, "plan": asdict(made)}
        timing: dict[str, float] = {}
        with timed(timing, "dump"):
            manifest = _dump(server, admin, shelf, wanted, seen, made, started, run)
        shelf.finish(name, manifest)
    if wanted.verify != "none":
        with timed(timing, "verify"):
            manifest = backup_verify.verify(engine, shelf, manifest, wanted, wanted.verify)
    result["removed"] = retention.backups_to_remove(shelf.whole(), wanted.rule, time.time(), wanted.named)
    shelf.remove(result["removed"])
    return {**result, "backup": manifest.summary(), "seconds": timing}


def _dump(
    server: PostgresServer,
    admin: PsqlSession,
    shelf: BackupStore,
    wanted: BackupRequest,
    seen: BackupFacts,
    made: BackupPlan,
    started: float,
    run: str,
) -> Manifest:
    """Dump and count what one snapshot shows; return the manifest."""
    database = t.cast("dict[str, t.Any]", seen.database)
    folder = shelf.folder / f"{made.name}{PARTIAL}"
    with contextlib.ExitStack() as stack:
        login = stack.enter_context(temporary_role.temporary_role(server, admin, made.owner, run))
        inside = stack.enter_context(server.session(made.database, login))
        # Counted before the snapshot is taken: a change in between counts as one that came after.
        changes = change_counters.count_changes(inside, made.database)
        catalog.read_only(inside)
        snapshot = inside.run("SELECT pg_export_snapshot()")[0]
        first = content_snapshot.sequences(inside)
        words = [
            *("pg_dump", "--verbose", "--no-password", "--lock-wait-timeout=30s", f"--format={made.format}"),
            *("--no-subscriptions", f"--compress={compress_option(made.compression, server.client_major)}"),
            *(f"--snapshot={snapshot}", f"--file={INSIDE}/dump"),
            *([f"--jobs={made.jobs}"] if made.format == "directory" else []),
        ]
        tables: dict[str, dict[str, t.Any]] = {}
        copied = copy_progress.CopiedRows(tables, parallel=made.jobs > 1)
        command = server.program(private_umask(words), made.database, login)
        with (
            DumpProcess(command, "pg_dump") as dumping,
            copy_progress.follow_copy(shelf.folder, "dump", server, copied, dumping),
        ):
            content_snapshot.table_checksums(inside, wanted.content, tables)
            copied.of = sum(one["rows"] for one in tables.values())
            found: dict[str, t.Any] = {
                "extensions": content_snapshot.extensions(inside),
                "roles": sorted(set(content_snapshot.referenced_roles(inside)) - {login}),
                "large_objects": content_snapshot.large_objects(inside),
                "answer": catalog.first_row(inside, wanted.query),
            }
            dumping.wait()
        last = content_snapshot.sequences(inside)
    digests = checksum_folder(folder, made.jobs, shelf.folder)
    return Manifest(
        name=made.name,
        project=wanted.project,
        environment=wanted.environment,
        stack=wanted.stack,
        database=made.database,
        owner=made.owner,
        state="dumped",
        started=started,
        finished=time.time(),
        format=made.format,
        compression=made.compression,
        jobs=made.jobs,
        server={
            "number": seen.server["number"],
            "version": seen.server["version"],
            "client": seen.client,
            "image": seen.image,
            "preload": seen.server["preload"],
            "oid": database["oid"],
        },
        number=retention.sequence_number(made.name),
        locale=database["locale"],
        properties=database["properties"],
        tables=tables,
        sequences={name: [value, last.get(name, value)] for name, value in first.items()},
        database_bytes=database["bytes"],
        changes=changes,
        files=digests,
        query=wanted.query,
        release=wanted.release,
        fence=seen.fence,
        proved={"dumped": time.time()},
        **found,
    )
