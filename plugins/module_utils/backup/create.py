# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup is made: pg_dump and the counting see one and the same moment of the database."""

from __future__ import annotations

import contextlib
import os
import re
import time
import typing as t
from dataclasses import asdict, dataclass, field

from ..engine.docker_client import Engine
from ..errors import Problem, SwitchyardError, report
from ..postgres import catalog
from ..postgres import server as postgres_server
from ..postgres.lockout import Fences, standing
from ..postgres.server import Mount, Server, Session, Target
from . import copy_progress, restore_journal, retention
from . import verify as backup_verify
from .dump_process import Running, digest, free_bytes, private, timed
from .manifest import Manifest
from .store import PARTIAL, Shelf

# Where the folder of the backup is in the container
INSIDE = "/backup"

GIGABYTE = 1024**3

# What is left free beside the dump: the manifest, and the file system's own needs.
MARGIN = 64 * 1024**2

COMPRESSION = re.compile(r"(auto|none|(gzip|lz4|zstd)(:[0-9]{1,2})?)\Z")


@dataclass(frozen=True)
class Wanted:
    """What a person asks for, of one stack."""

    project: str
    environment: str
    stack: str
    target: Target
    database: str
    release: int | None = None
    format: str = "auto"
    parallel_from: int = 10 * GIGABYTE
    jobs: int | None = None
    compression: str = "auto"
    content: bool = True
    query: str | None = None
    verify: str = "restore"
    scratch: str = "auto"
    rule: retention.Rule = field(default_factory=retention.Rule)
    named: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The labels of this stack's containers."""
        return postgres_server.labels_of(self.project, self.environment, self.stack)

    def container(self, what: str, run: str) -> str:
        """Return the name of a container of one run."""
        return f"{self.project}_{self.stack}_{self.environment}_{what}-{run}"

    def problems(self) -> list[Problem]:
        """Return what is wrong with it."""
        found = self.target.problems()
        if not COMPRESSION.match(self.compression):
            found.append(Problem("compression", f"{self.compression} is unknown", "Write zstd:3, gzip:6, lz4 or none"))
        for name, value in (("jobs", self.jobs), ("keep", self.rule.count), ("keep_days", self.rule.days)):
            if value is not None and value < 1:
                found.append(Problem(name, f"{value} is less than 1", "Write 1 or more"))
        if self.rule.count is not None and self.rule.count < 1:
            found.append(Problem("keep", "the backup that is made now would be gone", "Write 1 or more"))
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Seen:
    """What was seen before anything is done."""

    server: dict[str, t.Any]
    database: dict[str, t.Any] | None
    client: str
    image: str
    free: int
    cpus: int
    fence: str | None


@dataclass(frozen=True)
class Plan:
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
    wanted: Wanted, seen: Seen, backups: t.Sequence[Manifest], name: str, now: float
) -> tuple[Plan, list[Problem]]:
    """Return what to do, and everything that is in its way."""
    found = []
    database = seen.database or {"bytes": 0, "owner": "", "owner_is_superuser": False}
    client, server = int(seen.client.split(".")[0]), int(seen.server["number"]) // 10000
    if seen.database is None:
        found.append(Problem("database", f"there is no database {wanted.database}", "Check its name, or run setup.yml"))
    if database["owner_is_superuser"]:
        what = f"{wanted.database} belongs to {database['owner']}, a superuser: what is planted in it would run as one"
        found.append(Problem("database", what, "Give it to a role of its own: ALTER DATABASE ... OWNER TO"))
    if client < server:
        what = f"its programs are version {seen.client}, and the server is {seen.server['version']}"
        found.append(Problem("image", what, "Give an image of the server's version or of a newer one"))
    if not seen.server["may"]:
        what = f"{wanted.target.user} may not make roles and databases"
        found.append(Problem("user", what, "Give an administrator, with CREATEROLE and CREATEDB"))
    big = database["bytes"] >= wanted.parallel_from
    form = wanted.format if wanted.format != "auto" else ("directory" if big else "custom")
    jobs = wanted.jobs or max(1, min(4, seen.cpus // 2))
    compression = wanted.compression if wanted.compression != "auto" else ("zstd:3" if client >= 16 else "gzip:6")
    if client < 16 and not compression.startswith(("gzip", "none")):
        what = f"{compression} needs PostgreSQL 16, and the programs are version {seen.client}"
        found.append(Problem("compression", what, "Write gzip:6"))
    needed = space(database["bytes"], backups)
    if needed > seen.free:
        what = f"{needed >> 20} MiB may be needed for the dump, and {seen.free >> 20} MiB are free"
        found.append(Problem("root", what, "Make room, or keep fewer backups"))
    state = {"restore": "restored", "read": "read"}.get(wanted.verify, "dumped")
    gone = retention.gone([*backups, retention.Coming(name, state, now)], wanted.rule, now, wanted.named)
    made = Plan(
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


def space(database_bytes: int, backups: t.Sequence[Manifest]) -> int:
    """Return how many bytes a dump may need: half more than the last one did; at most what the database has."""
    most = database_bytes + MARGIN
    last = next((one for one in backups if one.database_bytes > 0), None)
    return min(most, int(1.5 * last.bytes * database_bytes / last.database_bytes) + MARGIN) if last else most


def compress_word(compression: str, client_major: int) -> str:
    """Return pg_dump's word for a compression; before 16 it knew only levels of gzip."""
    if compression == "none":
        return "0" if client_major < 16 else "none"
    method, dummy, level = compression.partition(":")
    return (level or "6") if client_major < 16 and method == "gzip" else compression


def backup(engine: Engine, shelf: Shelf, wanted: Wanted, check: bool = False) -> dict[str, t.Any]:
    """Make a backup and prove it; return the module's result.

    Raises SwitchyardError with all problems before anything is done. A dump that fails leaves nothing behind. One that
    cannot be proved stays as what it is, ``dumped``, and the error says so.
    """
    raise_for(wanted.problems(), wanted)
    if check:
        return _backup(engine, shelf, wanted, check=True)
    with shelf.locked():
        postgres_server.sweep(engine, wanted.project, wanted.environment, wanted.stack)
        shelf.sweep()
        return _backup(engine, shelf, wanted, check=False)


def _backup(engine: Engine, shelf: Shelf, wanted: Wanted, check: bool) -> dict[str, t.Any]:
    started = time.time()
    name = shelf.next_name(started)
    run = name.rpartition("-")[2]
    with contextlib.ExitStack() as stack:
        mounts = [] if check else [Mount(str(stack.enter_context(shelf.begun(name))), INSIDE, writable=True)]
        container = wanted.container("backup", "check" if check else run)
        server = stack.enter_context(postgres_server.reach(engine, wanted.target, container, wanted.labels, mounts))
        admin = stack.enter_context(server.session())
        recovered = None if check else restore_journal.recover(admin, shelf.folder)
        fence = Fences(shelf.folder).read()
        seen = Seen(
            server=catalog.server(admin),
            database=catalog.database(admin, wanted.database),
            client=server.client,
            image=server.bench.image,
            free=free_bytes(shelf.folder),
            cpus=os.cpu_count() or 1,
            fence=fence.id if fence and standing(admin, fence) else None,
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
    result["removed"] = retention.gone(shelf.whole(), wanted.rule, time.time(), wanted.named)
    shelf.remove(result["removed"])
    return {**result, "backup": manifest.summary(), "seconds": timing}


def _dump(
    server: Server, admin: Session, shelf: Shelf, wanted: Wanted, seen: Seen, made: Plan, started: float, run: str
) -> Manifest:
    """Dump and count what one snapshot shows; return the manifest."""
    database = t.cast("dict[str, t.Any]", seen.database)
    folder = shelf.folder / f"{made.name}{PARTIAL}"
    with contextlib.ExitStack() as stack:
        login = stack.enter_context(postgres_server.guest(server, admin, made.owner, run))
        inside = stack.enter_context(server.session(made.database, login))
        # Counted before the snapshot is taken: a change in between counts as one that came after.
        changes = catalog.changes(inside, made.database)
        catalog.read_only(inside)
        snapshot = inside.run("SELECT pg_export_snapshot()")[0]
        first = catalog.sequences(inside)
        words = [
            *("pg_dump", "--verbose", "--no-password", "--lock-wait-timeout=30s", f"--format={made.format}"),
            *("--no-subscriptions", f"--compress={compress_word(made.compression, server.client_major)}"),
            *(f"--snapshot={snapshot}", f"--file={INSIDE}/dump"),
            *([f"--jobs={made.jobs}"] if made.format == "directory" else []),
        ]
        tables: dict[str, dict[str, t.Any]] = {}
        copied = copy_progress.Copied(tables, parallel=made.jobs > 1)
        command = server.program(private(words), made.database, login)
        with (
            Running(command, "pg_dump") as dumping,
            copy_progress.following(shelf.folder, "dump", server, copied, dumping),
        ):
            catalog.tables(inside, wanted.content, tables)
            copied.of = sum(one["rows"] for one in tables.values())
            found: dict[str, t.Any] = {
                "extensions": catalog.extensions(inside),
                "roles": sorted(set(catalog.roles(inside)) - {login}),
                "large_objects": catalog.large_objects(inside),
                "answer": catalog.answer(inside, wanted.query),
            }
            dumping.wait()
        last = catalog.sequences(inside)
    digests = digest(folder, made.jobs, shelf.folder)
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
        number=retention.number_of(made.name),
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


def raise_for(problems: t.Sequence[Problem], wanted: Wanted) -> None:
    """Raise SwitchyardError with all problems, where there are any."""
    if problems:
        heading = f"Nothing was done with {wanted.database} ({wanted.target.where}). To be put right"
        raise SwitchyardError(report(problems, heading), problems=[one.as_dict() for one in problems])
