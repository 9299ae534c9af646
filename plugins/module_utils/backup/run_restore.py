# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a restore from module options, from a local backup or its off-site copy."""

from __future__ import annotations

import dataclasses
import typing as t

from ..engine.docker_client import Engine
from . import restore as backup_restore
from .options import backup_request, offsite_repository, source_store, store_of
from .request import raise_for
from .restore_plan import RestoreRequest


def run_restore(engine: Engine, params: t.Mapping[str, t.Any], check_mode: bool = False) -> dict[str, t.Any]:
    """Restore as the module's options say; return the module's result."""
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
            name = repository.resolve(params["backup"], params["stack"])
            before = f"{request.database}: as it is now\n"
            after = f"{request.database}: the backup {name}, from its off-site copy\n"
            return {"changed": True, "backup": None, "diff": {"before": before, "after": after}}
        with source.locked():
            source.remove_partials()
            manifest = repository.fetch(source, params["backup"], params["stack"])
        restore_request = dataclasses.replace(restore_request, backup=manifest.name)
    return backup_restore.restore_backup(engine, store, request, restore_request, check_mode, other)
