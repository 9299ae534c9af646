# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a backup: reads it completely, or restores it into a scratch server and compares it row by row."""

from __future__ import annotations

import time
import typing as t

from .. import progress
from ..engine.docker_client import Engine
from ..postgres import catalog, content_snapshot, temporary_role
from ..postgres.client_container import ClientContainer, Mount
from ..postgres.psql_session import PsqlSession
from ..postgres.server import PostgresServer
from . import copy_progress
from . import manifest as backup_manifest
from .checksums import VerificationFailed, check_files, verification_report
from .dump_process import DumpProcess
from .manifest import STATE_AFTER, Manifest
from .request import BACKUP_MOUNT, BackupRequest
from .scratch_server import image_for, scratch_server
from .store import BackupStore


def verify(engine: Engine, store: BackupStore, manifest: Manifest, request: BackupRequest, method: str) -> Manifest:
    """Verify a backup by ``read`` or ``restore``; write and return its manifest with the new state.

    Raises VerificationFailed with all differences, SwitchyardError when the backup cannot be tested. A backup that no
    longer matches its manifest loses its verified state.
    """
    folder = store.folder / manifest.name
    try:
        if method == "restore":
            with scratch_server(engine, store, manifest, request) as server:
                compare_restored(server, manifest, store)
        else:
            read_dump(engine, store, manifest, request)
    except VerificationFailed:
        backup_manifest.write(folder, manifest.unverified())
        raise
    manifest = manifest.verified_as(STATE_AFTER[method], time.time())
    backup_manifest.write(folder, manifest)
    return manifest


def read_dump(engine: Engine, store: BackupStore, manifest: Manifest, request: BackupRequest) -> None:
    """Check the checksums of a dump and read all of it with pg_restore."""
    folder = store.folder / manifest.name
    mounts = [Mount(str(folder), BACKUP_MOUNT)]
    name = request.container("verify", str(manifest.number))
    # Checksums first: a changed file is never passed to a program.
    check_files(folder, manifest, store.folder)
    with ClientContainer(
        name, image_for(engine, manifest, request.target), request.labels, mounts, ["--network", "none"]
    ) as client:
        args = ["pg_restore", "--verbose", "--file=/dev/null", f"{BACKUP_MOUNT}/dump"]
        with DumpProcess(client.command(args), "pg_restore") as process:
            copied = copy_progress.CopiedRows(manifest.tables, manifest.rows)
            with copy_progress.follow_copy(store.folder, "read", None, copied, process):
                process.wait()


def compare_restored(server: PostgresServer, manifest: Manifest, store: BackupStore) -> None:
    """Compare a restored database with the manifest. Raises VerificationFailed with all differences."""
    with (
        server.session() as admin_session,
        temporary_role.reader(server, admin_session, manifest.owner, "compare") as login,
        server.session(manifest.database, login) as session,
    ):
        found = differences(manifest, restored_facts(session, manifest, store))
    if found:
        raise VerificationFailed(verification_report(manifest, found))


def restored_facts(session: PsqlSession, manifest: Manifest, store: BackupStore) -> dict[str, t.Any]:
    """Return the facts of a restored database that its manifest also has."""
    content = any(table["content"] is not None for table in manifest.tables.values())
    catalog.read_only(session)
    tables: dict[str, dict[str, t.Any]] = {}

    def amount() -> progress.Amount:
        return sum(table["rows"] for table in tables.copy().values()), manifest.rows

    with progress.report_progress(store.folder, "compare", amount):
        content_snapshot.table_checksums(session, content, tables)
    facts = {
        "tables": tables,
        "sequences": content_snapshot.sequences(session),
        "extensions": content_snapshot.extensions(session),
        "large_objects": content_snapshot.large_objects(session),
        "schema_version": catalog.first_row(session, manifest.version_query),
    }
    session.run("COMMIT")
    return facts


def differences(manifest: Manifest, facts: t.Mapping[str, t.Any]) -> list[str]:
    """Return the differences between a manifest and the facts of a restored database, a line each."""
    found = []
    tables, sequences = facts["tables"], facts["sequences"]
    for kind, was, now in (("table", manifest.tables, tables), ("sequence", manifest.sequences, sequences)):
        found += [f"the {kind} {name} is missing" for name in sorted(set(was) - set(now))]
        found += [f"the {kind} {name} is not in the manifest" for name in sorted(set(now) - set(was))]
    for name in sorted(set(manifest.tables) & set(tables)):
        was_table, now_table = manifest.tables[name], tables[name]
        if was_table["rows"] != now_table["rows"]:
            found.append(f"{name} has {now_table['rows']} rows, and had {was_table['rows']}")
        elif was_table["content"] != now_table["content"]:
            found.append(f"{name} has {now_table['rows']} rows, but with other content")
    for name in sorted(set(manifest.sequences) & set(sequences)):
        first, last = manifest.sequences[name]
        # A sequence that was set back during the dump cannot be compared.
        if first <= last and not first <= sequences[name] <= last:
            found.append(f"{name} continues with {sequences[name]}, not with {first} to {last}")
    was_extensions, now_extensions = (
        {extension["name"]: extension["version"] for extension in side}
        for side in (manifest.extensions, facts["extensions"])
    )
    if was_extensions != now_extensions:
        found.append(f"the extensions are {now_extensions}, and were {was_extensions}")
    if manifest.large_objects != facts["large_objects"]:
        found.append(f"there are {facts['large_objects']} large objects, and were {manifest.large_objects}")
    if manifest.schema_version != facts["schema_version"]:
        found.append(
            f"'{manifest.version_query}' answers {facts['schema_version']!r}, and answered {manifest.schema_version!r}"
        )
    return found
