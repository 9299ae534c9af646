# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backup stores of a stack hold, for lists."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .. import state_file
from ..postgres.lockout import Lockout, LockoutFile
from . import restore_journal, run
from .manifest import BackupSummary
from .offsite_restic import OffsiteRepository
from .store import BackupStore, BrokenBackup
from .volume_store import volume_stores


@dataclass(frozen=True)
class StoreInfo:
    """The backups of one store, its last run, and what was interrupted.

    ``offsite`` are the copies, where the repository was asked. A store of an accessory has its service and its
    database, one of a volume the volume.
    """

    backups: t.Sequence[BackupSummary | BrokenBackup]
    last_run: t.Mapping[str, t.Any] | None
    unfinished: t.Sequence[str]
    interrupted_restore: str | None
    lockout: Lockout | None
    folder: str
    offsite: t.Sequence[str] | None = field(default=None, metadata=state_file.when_set())
    accessory: str | None = field(default=None, metadata=state_file.when_set())
    database: str | None = field(default=None, metadata=state_file.when_set())
    volume: str | None = field(default=None, metadata=state_file.when_set())


def info(store: BackupStore, unit: str, repository: OffsiteRepository | None) -> StoreInfo:
    """Return the backups of one store, its last run, and what was interrupted; of a repository also the copies.

    ``unit`` is the name by which off-site copies are found, as in ``Manifest.unit``.
    """
    interrupted = restore_journal.load_journal(store.folder)
    return StoreInfo(
        backups=[backup.summary() for backup in store.all()],
        last_run=run.last_run(store),
        unfinished=store.partials(),
        interrupted_restore=interrupted.backup if interrupted else None,
        lockout=LockoutFile(store.folder).read(),
        folder=str(store.folder),
        offsite=list(repository.snapshots(unit)) if repository else None,
    )


def of_accessories(store: BackupStore, stack: str, repository: OffsiteRepository | None) -> list[StoreInfo]:
    """Return the same for each database of an accessory whose backups are below the stack's own."""
    return [
        replace(info(found, f"{stack}/{found.folder.name}", repository), accessory=service, database=database)
        for service, database, found in store.of_accessories()
    ]


def of_volumes(store: BackupStore, stack: str, repository: OffsiteRepository | None) -> list[StoreInfo]:
    """Return the same for each volume whose backups are below the stack's own."""
    return [
        replace(info(found, f"{stack}/volume@{volume}", repository), volume=volume)
        for volume, found in volume_stores(store)
    ]
