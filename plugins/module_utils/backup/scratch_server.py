# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throwaway PostgreSQL server, without network, for verifying a backup."""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..engine.docker_client import Engine
from ..errors import SwitchyardError, report
from ..paths import free_bytes
from ..postgres.client_container import ClientContainer, Mount
from ..postgres.server import PostgresServer
from ..postgres.sql import ident
from ..postgres.target import Target
from . import copy_progress, load
from .checksums import check_files
from .dump_process import private_umask
from .manifest import Manifest
from .store import PARTIAL, BackupStore

if t.TYPE_CHECKING:
    from .request import BackupRequest

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
def scratch_server(
    engine: Engine, shelf: BackupStore, manifest: Manifest, wanted: BackupRequest
) -> t.Iterator[PostgresServer]:
    """Give a server of the backup's own image into which the backup was restored, as its owner, and that is gone
    afterwards.

    It has no network. A container that shares its network (``container:<server.bench.name>``) reaches it at
    127.0.0.1:5432 and needs no password: so a migration can be tried on the copy.
    """
    folder = shelf.folder / manifest.name
    with contextlib.ExitStack() as stack:
        more, mounts = _scratch_location(stack, shelf, manifest, wanted.scratch)
        mounts.append(Mount(str(folder), INSIDE))
        words = ["--network", "none", "--shm-size", "512m", *more]
        image = image_for(engine, manifest, wanted.target)
        bench = ClientContainer(wanted.container("verify", str(manifest.number)), image, wanted.labels, mounts, words)
        # What was changed is never given to a program: the sums are compared while the server starts.
        with ThreadPoolExecutor(1) as pool:
            sums = pool.submit(check_files, folder, manifest, shelf.folder)
            stack.enter_context(bench)
            _start(bench, manifest)
            sums.result()
        server = PostgresServer(bench, {"PGHOST": SCRATCH, "PGPORT": "5432"}, "postgres", "the throwaway server")
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
        copied = copy_progress.CopiedRows(manifest.tables, manifest.rows, parallel=jobs > 1)
        followed = partial(copy_progress.follow_copy, shelf.folder, "proof", server, copied)
        try:
            load.load(server, manifest.database, manifest.owner, f"{INSIDE}/dump", schemas, jobs, followed=followed)
        except SwitchyardError as error:
            raise SwitchyardError(f"The backup {manifest.name} does not restore: {error}") from error
        yield server


def scratch_bytes(manifest: Manifest) -> int:
    """Return how much room a restored copy may take."""
    return int(manifest.database_bytes * 1.3) + SCRATCH_MARGIN


def in_memory(needed: int, available: int, wanted: str) -> bool:
    """Return whether the copy goes into memory: where half of what is available is enough, unless told otherwise."""
    return wanted == "memory" or (wanted == "auto" and needed * 2 <= available)


def _scratch_location(
    stack: contextlib.ExitStack, shelf: BackupStore, manifest: Manifest, wanted: str
) -> tuple[list[str], list[Mount]]:
    """Return where the throwaway server has its data: never where the real one has its own."""
    needed, available = scratch_bytes(manifest), _available_memory()
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


def _available_memory() -> int:
    """Return how many bytes of memory this server can still give."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), "0")
    return int(found) * 1024


def _start(bench: ClientContainer, manifest: Manifest) -> None:
    """Make a cluster and start it; its user is the image's own."""
    preload = manifest.server.get("preload")
    settings = {**SETTINGS, **({"shared_preload_libraries": preload} if preload else {})}
    data = f"{SCRATCH}/data"
    make = f"initdb -D {data} -U postgres --auth=trust --no-sync --no-instructions --encoding=UTF8 --locale=C"
    log = f"{SCRATCH}/log"
    start = f'pg_ctl start -D {data} -w -s -l {log} -o "$1" || {{ cat {log} >&2; exit 1; }}'
    options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
    words = private_umask(["sh", "-c", f"{make} >/dev/null && {start}", "sh", options])
    bench.call(words, {"LC_ALL": "C.UTF-8"}, user="postgres", limit=300)
