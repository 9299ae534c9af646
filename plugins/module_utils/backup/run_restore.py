# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a restore from module options, from a local backup or its off-site copy."""

from __future__ import annotations

import dataclasses
import typing as t

from ..engine.docker_client import Engine
from . import restore as backup_restore
from . import restore_plan
from .options import backup_request, offsite_repository, source_store, store_of
from .request import raise_for


def run_restore(engine: Engine, params: t.Mapping[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    """Restore as a module's options ask for, from a copy where they say so; return the module's result."""
    logins = None if params["logins"] is None else tuple(params["logins"])
    asked = restore_plan.RestoreRequest(
        params["backup"], params["owner"], logins, params["set_aside"], params["closed"], params["anonymise"]
    )
    own, other, given = store_of(params), source_store(params), backup_request(params)
    if params["fetch"]:
        where = other or own
        whose = params["from_environment"] or params["environment"]
        raise_for(given.problems(), given)
        if check and params["backup"] not in where.names():
            name = offsite_repository(params, whose).named(params["backup"], params["stack"])
            before, after = f"{given.database}: as it is now\n", f"{given.database}: the backup {name}, from its copy\n"
            return {"changed": True, "backup": None, "diff": {"before": before, "after": after}}
        with where.locked():
            where.sweep()
            found = offsite_repository(params, whose).fetch(where, params["backup"], params["stack"])
        asked = dataclasses.replace(asked, backup=found.name)
    return backup_restore.restore_backup(engine, own, given, asked, check, other)
