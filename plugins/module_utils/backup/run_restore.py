# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a restore from module options, from a local backup or its off-site copy."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from . import restore as backup_restore
from .options import (
    ANY_ACCESSORY,
    backup_request,
    offsite_repository,
    source_store,
    store_of,
    unit_of,
    with_accessory,
)
from .request import raise_for
from .restore import RestoreResult
from .restore_plan import RestoreRequest
from .store import BackupStore


def _with_database(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options with the database of an accessory that has backups; with several, one has to be named."""
    if not params.get("accessory") or params["database"]:
        return dict(params)
    environment = params["from_environment"] or params["environment"]
    stores = BackupStore(Path(params["root"]), params["project"], environment, params["stack"]).of_accessories()
    named = [
        (service, database) for service, database, dummy in stores if params["accessory"] in (ANY_ACCESSORY, service)
    ]
    if len(named) > 1:
        found = ", ".join(f"{database} in {service}" for service, database in named)
        raise SwitchyardError(
            f"Nothing was changed. There are backups of several databases: {found}. Name one with accessory and"
            " database, for restore.yml -e accessory=<service> -e database=<name>."
        )
    return {**params, **(dict(zip(("accessory", "database"), named[0])) if named else {})}


@dataclass(frozen=True)
class FetchPreview:
    """A restore of a backup that check mode cannot read, because only its off-site copy exists."""

    diff: t.Mapping[str, str]
    backup: None = None
    changed: bool = True


def run_restore(
    engine: Engine, params: t.Mapping[str, t.Any], check_mode: bool = False
) -> RestoreResult | FetchPreview:
    """Restore as the module's options say."""
    params = with_accessory(_with_database(params), lambda: engine)
    restore_request = RestoreRequest(
        backup=params["backup"],
        owner=params["owner"],
        logins=None if params["logins"] is None else tuple(params["logins"]),
        max_discarded_changes=params["max_discarded_changes"],
        block_writes=params["block_writes"],
        anonymise=params["anonymise"],
    )
    store, other, request = store_of(params), source_store(params), backup_request(params)
    if params["fetch_offsite"]:
        source = other or store
        repository = offsite_repository(params, params["from_environment"] or params["environment"])
        raise_for(request.problems(), request)
        if check_mode and params["backup"] not in source.names():
            name = repository.resolve(params["backup"], unit_of(params))
            before = f"{request.database}: as it is now\n"
            after = f"{request.database}: the backup {name}, from its off-site copy\n"
            return FetchPreview({"before": before, "after": after})
        with source.locked():
            source.remove_partials()
            manifest = repository.fetch(source, params["backup"], unit_of(params))
        restore_request = replace(restore_request, backup=manifest.name)
    return backup_restore.restore_backup(engine, store, request, restore_request, check_mode, other)
