# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup is proved: read to its end, or restored into a throwaway server and compared row for row."""

from __future__ import annotations

import time
import typing as t

from .. import progress
from ..engine.docker_client import Engine
from ..postgres import catalog, content_snapshot
from ..postgres.client_container import ClientContainer, Mount
from ..postgres.server import PostgresServer
from . import copy_progress
from . import manifest as backup_manifest
from .checksums import VerificationFailed, check_files, verification_report
from .dump_process import DumpProcess
from .manifest import Manifest
from .scratch_server import INSIDE, image_for, scratch_server
from .store import BackupStore

if t.TYPE_CHECKING:
    from .request import BackupRequest


def verify(engine: Engine, shelf: BackupStore, manifest: Manifest, wanted: BackupRequest, how: str) -> Manifest:
    """Prove a backup, by ``read`` or ``restore``; write down and return what it is now.

    Raises Unproved with all that differs, SwitchyardError where it cannot be tried. What was proved once and is not any
    more loses its proofs.
    """
    folder = shelf.folder / manifest.name
    try:
        if how == "restore":
            with scratch_server(engine, shelf, manifest, wanted) as server:
                compare_restored(server, manifest, shelf)
        else:
            read_dump(engine, shelf, manifest, wanted)
    except VerificationFailed:
        backup_manifest.write(folder, manifest.unproved())
        raise
    manifest = manifest.reached({"restore": "restored", "read": "read"}[how], time.time())
    backup_manifest.write(folder, manifest)
    return manifest


def read_dump(engine: Engine, shelf: BackupStore, manifest: Manifest, wanted: BackupRequest) -> None:
    """Read all of a dump, as a restore would, and its sums."""
    folder = shelf.folder / manifest.name
    mounts = [Mount(str(folder), INSIDE)]
    name = wanted.container("verify", str(manifest.number))
    # What was changed is never given to a program: the sums come first.
    check_files(folder, manifest, shelf.folder)
    with ClientContainer(
        name, image_for(engine, manifest, wanted.target), wanted.labels, mounts, ["--network", "none"]
    ) as bench:
        words = ["pg_restore", "--verbose", "--file=/dev/null", f"{INSIDE}/dump"]
        with DumpProcess(bench.command(words), "pg_restore") as running:
            copied = copy_progress.CopiedRows(manifest.tables, manifest.rows)
            with copy_progress.follow_copy(shelf.folder, "read", None, copied, running):
                running.wait()


def compare_restored(server: PostgresServer, manifest: Manifest, shelf: BackupStore) -> None:
    """Compare the restored copy with the manifest. Raises Unproved with all that differs."""
    with server.session(manifest.database, manifest.owner) as inside:
        wrong = differences(manifest, restored_facts(inside, manifest, shelf))
    if wrong:
        raise VerificationFailed(verification_report(manifest, wrong))


def restored_facts(inside: t.Any, manifest: Manifest, shelf: BackupStore) -> dict[str, t.Any]:
    """Return of a restored database what its manifest has."""
    content = any(one["content"] is not None for one in manifest.tables.values())
    catalog.read_only(inside)
    tables: dict[str, dict[str, t.Any]] = {}

    def compared() -> progress.Amount:
        return sum(one["rows"] for one in tables.copy().values()), manifest.rows

    with progress.report_progress(shelf.folder, "compare", compared):
        content_snapshot.table_checksums(inside, content, tables)
    found = {
        "tables": tables,
        "sequences": content_snapshot.sequences(inside),
        "extensions": content_snapshot.extensions(inside),
        "large_objects": content_snapshot.large_objects(inside),
        "answer": catalog.first_row(inside, manifest.query),
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
