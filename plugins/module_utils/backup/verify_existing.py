# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies an existing backup again."""

from __future__ import annotations

import typing as t

from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from . import manifest as backup_manifest
from . import verify
from .request import BackupRequest, raise_for
from .store import BackupStore


def verify_existing(
    engine: Engine, store: BackupStore, request: BackupRequest, name: str, check_mode: bool = False
) -> dict[str, t.Any]:
    """Verify an existing backup; return the module's result.

    It is verified in every run: a verified backup may have been damaged since. ``changed`` means that its state
    improves.
    """
    raise_for(request.problems(), request)
    if request.verify == "none":
        raise SwitchyardError("verify: none verifies nothing. Use restore or read together with backup.")
    manifest = store.get(name)
    state = max(manifest.state, backup_manifest.STATE_AFTER[request.verify], key=backup_manifest.STATES.index)
    result = {
        "changed": state != manifest.state,
        "name": manifest.name,
        "backup": manifest.summary(),
        "removed": [],
        "recovery_action": None,
        "diff": {"before": f"{manifest.name}: {manifest.state}\n", "after": f"{manifest.name}: {state}\n"},
    }
    if check_mode:
        return result
    with store.locked():
        request.remove_leftover_containers(engine)
        store.remove_partials()
        result["backup"] = verify.verify(engine, store, manifest, request, request.verify).summary()
    return result
