# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backup stores of a stack hold, for lists."""

from __future__ import annotations

import typing as t

from .. import state_file
from ..postgres.lockout import LockoutFile
from . import restore_journal, run
from .offsite_restic import OffsiteRepository
from .store import BackupStore
from .volume_store import volume_stores


def info(store: BackupStore, unit: str, repository: OffsiteRepository | None) -> dict[str, t.Any]:
    """Return the backups of one store, its last run, and what was interrupted; of a repository also the copies.

    ``unit`` is the name by which off-site copies are found, as in ``Manifest.unit``.
    """
    interrupted = restore_journal.load_journal(store.folder)
    return {
        **({"offsite": list(repository.snapshots(unit))} if repository else {}),
        "backups": [backup.summary() for backup in store.all()],
        "last_run": run.last_run(store),
        "unfinished": store.partials(),
        "interrupted_restore": interrupted.backup if interrupted else None,
        "lockout": state_file.as_json(LockoutFile(store.folder).read()),
        "folder": str(store.folder),
    }


def of_accessories(store: BackupStore, stack: str, repository: OffsiteRepository | None) -> list[dict[str, t.Any]]:
    """Return the same for each database of an accessory whose backups are below the stack's own."""
    return [
        {"accessory": service, "database": database, **info(found, f"{stack}/{found.folder.name}", repository)}
        for service, database, found in store.of_accessories()
    ]


def of_volumes(store: BackupStore, stack: str, repository: OffsiteRepository | None) -> list[dict[str, t.Any]]:
    """Return the same for each volume whose backups are below the stack's own."""
    return [
        {"volume": volume, **info(found, f"{stack}/volume@{volume}", repository)}
        for volume, found in volume_stores(store)
    ]
