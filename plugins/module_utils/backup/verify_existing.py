# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies an existing backup again."""

from __future__ import annotations

import typing as t

from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from ..postgres import server
from . import manifest, verify
from .request import BackupRequest, raise_for
from .store import BackupStore


def verify_existing(
    engine: Engine, where: BackupStore, asked: BackupRequest, name: str, check: bool = False
) -> dict[str, t.Any]:
    """Prove a backup that stands already; return the module's result.

    It is tried each time: what was proved may have been damaged since. ``changed`` says that it is proved better now.
    """
    raise_for(asked.problems(), asked)
    if asked.verify == "none":
        raise SwitchyardError("verify: none proves nothing. Write restore or read beside backup.")
    found = where.need(name)
    state = {"restore": "restored", "read": "read"}[asked.verify]
    after = max(found.state, state, key=manifest.STATES.index)
    result = {
        "changed": after != found.state,
        "name": found.name,
        "backup": found.summary(),
        "removed": [],
        "recovered": None,
        "diff": {"before": f"{found.name}: {found.state}\n", "after": f"{found.name}: {after}\n"},
    }
    if check:
        return result
    with where.locked():
        server.remove_leftover_containers(engine, asked.project, asked.environment, asked.stack)
        where.sweep()
        result["backup"] = verify.verify(engine, where, found, asked, asked.verify).summary()
    return result
