# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch server: a throwaway PostgreSQL without network, into which a backup is restored."""

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
from . import copy_progress, load, role_definitions
from .checksums import check_files
from .dump_process import private_umask
from .manifest import Manifest
from .request import BACKUP_MOUNT, BackupRequest
from .store import PARTIAL, BackupStore

SCRATCH = "/scratch"

# Bytes of an empty cluster and its write-ahead log, in addition to the database
SCRATCH_MARGIN = 768 * 1024**2

# The scratch server needs no durability, no replicas and no vacuum.
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
    """Return the id of the image that made the backup, or of the server's present image when that one is gone."""
    image = engine.image(manifest.server["image"])
    if image:
        return image.id
    container = engine.container(target.container) if target.container else None
    if container:
        return container.image
    named = engine.image(target.image) if target.image else None
    if not named:
        raise SwitchyardError(f"The image of the backup {manifest.name} is gone ({manifest.server['image']}). Pull it.")
    return named.id


@contextlib.contextmanager
def scratch_server(
    engine: Engine, store: BackupStore, manifest: Manifest, request: BackupRequest
) -> t.Iterator[PostgresServer]:
    """Yield a server of the backup's own image with the restored backup; it is removed afterwards.

    It has no network. A container that shares its network (``container:<server.client.name>``) reaches it at
    127.0.0.1:5432 without a password: so a migration can be rehearsed on it.
    """
    folder = store.folder / manifest.name
    with contextlib.ExitStack() as stack:
        location, mounts = _scratch_location(stack, store, manifest, request.scratch)
        mounts.append(Mount(str(folder), BACKUP_MOUNT))
        docker_args = ["--network", "none", "--shm-size", "512m", *location]
        docker_args += [word for alias in request.aliases for word in ("--add-host", f"{alias}:127.0.0.1")]
        image = image_for(engine, manifest, request.target)
        name = request.container("verify", str(manifest.number))
        client = ClientContainer(name, image, request.labels, mounts, docker_args)
        # A changed file is never passed to a program: the checksums are compared while the server starts.
        with ThreadPoolExecutor(1) as pool:
            checked = pool.submit(check_files, folder, manifest, store.folder)
            stack.enter_context(client)
            # A rehearsed command finds the server where the application does.
            port = request.target.port if request.target.dedicated else 5432
            _start(client, manifest, port)
            checked.result()
        env = {"PGHOST": SCRATCH, "PGPORT": str(port)}
        server = PostgresServer(client, env, "postgres", "the scratch server", dedicated=manifest.dedicated)
        with server.session() as admin_session:
            missing = load.missing_extensions(admin_session, manifest)
            if missing:
                raise SwitchyardError(report(missing, f"The backup {manifest.name} cannot be restored"))
            for statement in _role_statements(manifest):
                admin_session.run(statement)
            statement = load.create_database_statement(manifest.database, manifest.owner, manifest.locale)
            admin_session.run(statement, limit=None)
        with server.session(manifest.database) as session:
            schemas = load.create_extensions(session, manifest, manifest.owner)
        jobs = os.cpu_count() or 1
        copied = copy_progress.CopiedRows(manifest.tables, manifest.rows, parallel=jobs > 1)
        follow = partial(copy_progress.follow_copy, store.folder, "verify", server, copied)
        login = server.user if server.dedicated else manifest.owner
        try:
            load.load(server, manifest.database, login, f"{BACKUP_MOUNT}/dump", schemas, jobs, follow=follow)
        except SwitchyardError as error:
            raise SwitchyardError(f"The backup {manifest.name} does not restore: {error}") from error
        yield server


def _role_statements(manifest: Manifest) -> list[str]:
    """Return the statements that create the roles of a backup; the scratch server has ``postgres``."""
    if manifest.dedicated:
        # Rehearsed commands log in without a password, as every login here.
        return role_definitions.create_statements(manifest.role_definitions, {"postgres"}, passwords=False)
    others = sorted(set(manifest.roles) - {manifest.owner, "postgres"})
    return [f"CREATE ROLE {ident(manifest.owner)} LOGIN", *(f"CREATE ROLE {ident(role)}" for role in others)]


def scratch_bytes(manifest: Manifest) -> int:
    """Return the bytes that a restored backup may need."""
    return int(manifest.database_bytes * 1.3) + SCRATCH_MARGIN


def in_memory(required: int, available: int, scratch: str) -> bool:
    """Return whether the data is in memory: with ``auto`` when half of the available memory is enough."""
    return scratch == "memory" or (scratch == "auto" and required * 2 <= available)


def _scratch_location(
    stack: contextlib.ExitStack, store: BackupStore, manifest: Manifest, scratch: str
) -> tuple[list[str], list[Mount]]:
    """Return the Docker arguments and mounts of the scratch server's data, never on the real server's volume."""
    required, available = scratch_bytes(manifest), _available_memory()
    if in_memory(required, available, scratch):
        if required > available:
            raise SwitchyardError(
                f"The restored backup may need {required >> 20} MiB of memory, and {available >> 20} MiB are"
                " available. Use scratch: disk."
            )
        return ["--tmpfs", f"{SCRATCH}:mode=1777,size={required}"], []
    free = free_bytes(store.folder)
    if required > free:
        raise SwitchyardError(
            f"The restored backup may need {required >> 20} MiB in {store.folder}, and {free >> 20} MiB are free."
            " Free some disk space, or use verify: read."
        )
    folder = store.folder / f"{manifest.name}.scratch{PARTIAL}"
    folder.mkdir(mode=0o700)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    # The server's user in the container is not root; the parent folder is closed to other users.
    folder.chmod(0o1777)
    return [], [Mount(str(folder), SCRATCH, writable=True)]


def _available_memory() -> int:
    """Return the bytes of memory that this host can still allocate (proc(5), MemAvailable)."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    kibibytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), "0")
    return int(kibibytes) * 1024


def _start(client: ClientContainer, manifest: Manifest, port: int) -> None:
    """Create a cluster and start it, as the image's user ``postgres``."""
    preload = manifest.server.get("preload")
    settings = {**SETTINGS, "port": str(port), **({"shared_preload_libraries": preload} if preload else {})}
    data = f"{SCRATCH}/data"
    init = f"initdb -D {data} -U postgres --auth=trust --no-sync --no-instructions --encoding=UTF8 --locale=C"
    log = f"{SCRATCH}/log"
    start = f'pg_ctl start -D {data} -w -s -l {log} -o "$1" || {{ cat {log} >&2; exit 1; }}'
    options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
    args = private_umask(["sh", "-c", f"{init} >/dev/null && {start}", "sh", options])
    client.call(args, {"LC_ALL": "C.UTF-8"}, user="postgres", limit=300)
