# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a last backup holds before the data of an environment is removed: what the server has."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import names, paths
from ..config.stack import VolumeBackupSpec
from ..engine.docker_client import Engine
from ..postgres import accessory
from ..release.context import HostContext
from .scan import EnvironmentScan
from .shared_scan import SharedScan


@dataclass(frozen=True)
class VolumeSource:
    """A volume that a backup holds, with the commands of `VolumeBackupSpec`; without them its containers stop."""

    stack: str
    volume: str
    service: str | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class LastBackup:
    """Stacks with a database on the shared server, stacks with PostgreSQL in an accessory, and volumes."""

    stacks: tuple[str, ...] = ()
    accessory_stacks: tuple[str, ...] = ()
    volumes: tuple[VolumeSource, ...] = ()


def find_sources(
    host: HostContext, scan: EnvironmentScan, shared: SharedScan, inventory: t.Iterable[str]
) -> LastBackup:
    """Return what exists of an environment's data; ``inventory`` are the stacks that it names.

    A stack that was retired has its backups, and by them its database is found.
    """
    backups = paths.backups_folder(host.root, host.project, host.environment)
    stored = {path.name for path in backups.glob("[!.]*") if path.is_dir()}
    known = sorted({*scan.stacks, *inventory, *stored})
    return sources_of(scan, shared, known, _with_postgres(host.engine, host.project, scan))


def sources_of(
    scan: EnvironmentScan, shared: SharedScan, stacks: t.Iterable[str], accessory_stacks: t.Iterable[str]
) -> LastBackup:
    """Return what exists of the data of ``stacks``; ``accessory_stacks`` have an accessory with PostgreSQL."""
    existing = {volume.name for volume in scan.volumes}
    databases = shared.databases or ()
    return LastBackup(
        stacks=tuple(name for name in stacks if names.database(name, scan.environment) in databases),
        accessory_stacks=tuple(sorted(accessory_stacks)),
        volumes=tuple(
            _source(stack, spec)
            for stack, record in sorted(scan.records.items())
            for spec in record.stack.backup_volumes
            if names.volume(shared.project, stack, spec.volume, scan.environment) in existing
        ),
    )


def _source(stack: str, spec: VolumeBackupSpec) -> VolumeSource:
    return VolumeSource(stack, spec.volume, spec.service, spec.before, spec.after)


def _with_postgres(engine: Engine, project: str, scan: EnvironmentScan) -> set[str]:
    """Return the stacks with an accessory that has PostgreSQL, running or not."""
    accessories = [one for one in scan.containers if one.label("role") == "accessory"]
    stacks = {one.label("stack") for one in accessories if one.label("environment") == scan.environment}
    return {name for name in stacks if accessory.find_accessories(engine, project, scan.environment, name)}
