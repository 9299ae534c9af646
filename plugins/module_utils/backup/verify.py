# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup is proved: read to its end, or restored into a throwaway server and compared row for row."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .. import progress
from ..engine.docker_client import Engine
from ..errors import SwitchyardError, report
from ..postgres import catalog
from ..postgres.roles import ident
from ..postgres.server import Bench, Mount, Server, Target
from . import copy_progress, load
from . import manifest as backup_manifest
from .dump_process import Running, digest, free_bytes, private
from .manifest import Manifest
from .store import PARTIAL, Shelf

if t.TYPE_CHECKING:
    from .create import Wanted

INSIDE = "/backup"
SCRATCH = "/scratch"

# What an empty cluster and its write-ahead log take beside the database.
SCRATCH_MARGIN = 768 * 1024**2

# Nothing here has to survive: neither a power cut, nor a replica, nor the table that a vacuum would make smaller.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": SCRATCH,
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "256MB",
    "log_min_messages": "fatal",
}


class Unproved(SwitchyardError):
    """A backup that does not hold what its manifest says."""


def verify(engine: Engine, shelf: Shelf, manifest: Manifest, wanted: Wanted, how: str) -> Manifest:
    """Prove a backup, by ``read`` or ``restore``; write down and return what it is now.

    Raises Unproved with all that differs, SwitchyardError where it cannot be tried. What was proved once and is not any
    more loses its proofs.
    """
    folder = shelf.folder / manifest.name
    try:
        if how == "restore":
            with throwaway(engine, shelf, manifest, wanted) as server:
                restored(server, manifest, shelf)
        else:
            read(engine, shelf, manifest, wanted)
    except Unproved:
        backup_manifest.write(folder, manifest.unproved())
        raise
    manifest = manifest.reached({"restore": "restored", "read": "read"}[how], time.time())
    backup_manifest.write(folder, manifest)
    return manifest


def same_files(folder: Path, manifest: Manifest, tell: Path | None = None) -> None:
    """Check the sums of a dump's files, and tell how far that is. Raises Unproved with all that differs."""
    found = digest(folder, min(4, os.cpu_count() or 1), tell)
    wrong = [f"{name} is missing" for name in sorted(set(manifest.files) - set(found))]
    wrong += [f"{name} was not there when it was made" for name in sorted(set(found) - set(manifest.files))]
    for name in sorted(set(found) & set(manifest.files)):
        was, now = manifest.files[name], found[name]
        if was["bytes"] != now["bytes"]:
            wrong.append(f"{name} has {now['bytes']} bytes, and had {was['bytes']}")
        elif was["sha256"] != now["sha256"]:
            wrong.append(f"{name} has another SHA-256 than when it was made")
    if wrong:
        raise Unproved(report_of(manifest, wrong))


def report_of(manifest: Manifest, wrong: t.Iterable[str]) -> str:
    """Return all that is wrong with a backup as one text."""
    lines = "\n".join(f"  {line}" for line in wrong)
    return f"The backup {manifest.name} is not what was dumped. Use another one. What differs:\n{lines}"


def read(engine: Engine, shelf: Shelf, manifest: Manifest, wanted: Wanted) -> None:
    """Read all of a dump, as a restore would, and its sums."""
    folder = shelf.folder / manifest.name
    mounts = [Mount(str(folder), INSIDE)]
    name = wanted.container("verify", str(manifest.number))
    # What was changed is never given to a program: the sums come first.
    same_files(folder, manifest, shelf.folder)
    with Bench(name, image_for(engine, manifest, wanted.target), wanted.labels, mounts, ["--network", "none"]) as bench:
        words = ["pg_restore", "--verbose", "--file=/dev/null", f"{INSIDE}/dump"]
        with Running(bench.command(words), "pg_restore") as running:
            copied = copy_progress.Copied(manifest.tables, manifest.rows)
            with copy_progress.following(shelf.folder, "read", None, copied, running):
                running.wait()


def image_for(engine: Engine, manifest: Manifest, target: Target) -> str:
    """Return the image that a backup was made with, or where it is gone the server's own."""
    image = engine.image(manifest.server["image"])
    if image:
        return image.id
    container = engine.container(target.container) if target.container else None
    if container:
        return container.image
    given = engine.image(target.image) if target.image else None
    if not given:
        raise SwitchyardError(f"The image of the backup {manifest.name} is gone ({manifest.server['image']}). Pull it.")
    return given.id


@contextlib.contextmanager
def throwaway(engine: Engine, shelf: Shelf, manifest: Manifest, wanted: Wanted) -> t.Iterator[Server]:
    """Give a server of the backup's own image into which the backup was restored, as its owner, and that is gone
    afterwards.

    It has no network. A container that shares its network (``container:<server.bench.name>``) reaches it at
    127.0.0.1:5432 and needs no password: so a migration can be tried on the copy.
    """
    folder = shelf.folder / manifest.name
    with contextlib.ExitStack() as stack:
        more, mounts = _scratch(stack, shelf, manifest, wanted.scratch)
        mounts.append(Mount(str(folder), INSIDE))
        words = ["--network", "none", "--shm-size", "512m", *more]
        image = image_for(engine, manifest, wanted.target)
        bench = Bench(wanted.container("verify", str(manifest.number)), image, wanted.labels, mounts, words)
        # What was changed is never given to a program: the sums are compared while the server starts.
        with ThreadPoolExecutor(1) as pool:
            sums = pool.submit(same_files, folder, manifest, shelf.folder)
            stack.enter_context(bench)
            _start(bench, manifest)
            sums.result()
        server = Server(bench, {"PGHOST": SCRATCH, "PGPORT": "5432"}, "postgres", "the throwaway server")
        with server.session() as admin:
            missing = load.missing_extensions(admin, manifest)
            if missing:
                raise SwitchyardError(report(missing, f"The backup {manifest.name} cannot be restored"))
            admin.run(f"CREATE ROLE {ident(manifest.owner)} LOGIN")
            for role in sorted(set(manifest.roles) - {manifest.owner, "postgres"}):
                admin.run(f"CREATE ROLE {ident(role)}")
            admin.run(load.database_statement(manifest.database, manifest.owner, manifest.locale), limit=None)
        with server.session(manifest.database) as inside:
            schemas = load.extensions(inside, manifest, manifest.owner)
        jobs = os.cpu_count() or 1
        copied = copy_progress.Copied(manifest.tables, manifest.rows, parallel=jobs > 1)
        followed = partial(copy_progress.following, shelf.folder, "proof", server, copied)
        try:
            load.load(server, manifest.database, manifest.owner, f"{INSIDE}/dump", schemas, jobs, followed=followed)
        except SwitchyardError as error:
            raise SwitchyardError(f"The backup {manifest.name} does not restore: {error}") from error
        yield server


def restored(server: Server, manifest: Manifest, shelf: Shelf) -> None:
    """Compare the restored copy with the manifest. Raises Unproved with all that differs."""
    with server.session(manifest.database, manifest.owner) as inside:
        wrong = differences(manifest, look(inside, manifest, shelf))
    if wrong:
        raise Unproved(report_of(manifest, wrong))


def look(inside: t.Any, manifest: Manifest, shelf: Shelf) -> dict[str, t.Any]:
    """Return of a restored database what its manifest has."""
    content = any(one["content"] is not None for one in manifest.tables.values())
    catalog.read_only(inside)
    tables: dict[str, dict[str, t.Any]] = {}

    def compared() -> progress.Amount:
        return sum(one["rows"] for one in tables.copy().values()), manifest.rows

    with progress.telling(shelf.folder, "compare", compared):
        catalog.tables(inside, content, tables)
    found = {
        "tables": tables,
        "sequences": catalog.sequences(inside),
        "extensions": catalog.extensions(inside),
        "large_objects": catalog.large_objects(inside),
        "answer": catalog.answer(inside, manifest.query),
    }
    inside.run("COMMIT")
    return found


def differences(manifest: Manifest, found: t.Mapping[str, t.Any]) -> list[str]:
    """Return what a restored database has that its manifest has not, and the other way round."""
    wrong = []
    tables, sequences = found["tables"], found["sequences"]
    for kind, was, now in (("table", manifest.tables, tables), ("sequence", manifest.sequences, sequences)):
        wrong += [f"the {kind} {name} is missing" for name in sorted(set(was) - set(now))]
        wrong += [f"the {kind} {name} was not there" for name in sorted(set(now) - set(was))]
    for name in sorted(set(manifest.tables) & set(tables)):
        was_table, now_table = manifest.tables[name], tables[name]
        if was_table["rows"] != now_table["rows"]:
            wrong.append(f"{name} has {now_table['rows']} rows, and had {was_table['rows']}")
        elif was_table["content"] != now_table["content"]:
            wrong.append(f"{name} has {now_table['rows']} rows, but not the ones that it had")
    for name in sorted(set(manifest.sequences) & set(sequences)):
        first, last = manifest.sequences[name]
        # Set back while it was dumped: then nothing can be said.
        if first <= last and not first <= sequences[name] <= last:
            wrong.append(f"{name} goes on with {sequences[name]}, not with {first} to {last}")
    was_extensions, now_extensions = (
        {one["name"]: one["version"] for one in side} for side in (manifest.extensions, found["extensions"])
    )
    if was_extensions != now_extensions:
        wrong.append(f"the extensions are {now_extensions}, and were {was_extensions}")
    if manifest.large_objects != found["large_objects"]:
        wrong.append(f"there are {found['large_objects']} large objects, and were {manifest.large_objects}")
    if manifest.answer != found["answer"]:
        wrong.append(f"'{manifest.query}' answers {found['answer']!r}, and answered {manifest.answer!r}")
    return wrong


def scratch_bytes(manifest: Manifest) -> int:
    """Return how much room a restored copy may take."""
    return int(manifest.database_bytes * 1.3) + SCRATCH_MARGIN


def in_memory(needed: int, available: int, wanted: str) -> bool:
    """Return whether the copy goes into memory: where half of what is available is enough, unless told otherwise."""
    return wanted == "memory" or (wanted == "auto" and needed * 2 <= available)


def _scratch(
    stack: contextlib.ExitStack, shelf: Shelf, manifest: Manifest, wanted: str
) -> tuple[list[str], list[Mount]]:
    """Return where the throwaway server has its data: never where the real one has its own."""
    needed, available = scratch_bytes(manifest), _memory()
    if in_memory(needed, available, wanted):
        if needed > available:
            raise SwitchyardError(
                f"The restored copy may take {needed >> 20} MiB of memory, and {available >> 20} MiB are free."
                " Write scratch: disk."
            )
        return ["--tmpfs", f"{SCRATCH}:mode=1777,size={needed}"], []
    free = free_bytes(shelf.folder)
    if needed > free:
        raise SwitchyardError(
            f"The restored copy may take {needed >> 20} MiB in {shelf.folder}, and {free >> 20} MiB are free."
            " Make room, or write verify: read."
        )
    folder = shelf.folder / f"{manifest.name}.scratch{PARTIAL}"
    folder.mkdir(mode=0o700)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    # The server's user in the container is not root; the folder above lets nobody in.
    folder.chmod(0o1777)
    return [], [Mount(str(folder), SCRATCH, writable=True)]


def _memory() -> int:
    """Return how many bytes of memory this server can still give."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), "0")
    return int(found) * 1024


def _start(bench: Bench, manifest: Manifest) -> None:
    """Make a cluster and start it; its user is the image's own."""
    preload = manifest.server.get("preload")
    settings = {**SETTINGS, **({"shared_preload_libraries": preload} if preload else {})}
    data = f"{SCRATCH}/data"
    make = f"initdb -D {data} -U postgres --auth=trust --no-sync --no-instructions --encoding=UTF8 --locale=C"
    log = f"{SCRATCH}/log"
    start = f'pg_ctl start -D {data} -w -s -l {log} -o "$1" || {{ cat {log} >&2; exit 1; }}'
    options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
    words = private(["sh", "-c", f"{make} >/dev/null && {start}", "sh", options])
    bench.call(words, {"LC_ALL": "C.UTF-8"}, user="postgres", limit=300)
