# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies an existing backup again."""

from __future__ import annotations

from dataclasses import replace

from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from . import manifest as backup_manifest
from . import verify
from .create import BackupResult
from .request import BackupRequest, raise_for
from .store import BackupStore


def verify_existing(
    engine: Engine, store: BackupStore, request: BackupRequest, name: str, check_mode: bool = False
) -> BackupResult:
    """Verify an existing backup.

    It is verified in every run: a verified backup may have been damaged since. ``changed`` means that its state
    improves.
    """
    raise_for(request.problems(), request)
    if request.verify == "none":
        raise SwitchyardError("verify: none verifies nothing. Use restore or read together with backup.")
    manifest = store.get(name)
    state = max(manifest.state, backup_manifest.STATE_AFTER[request.verify], key=backup_manifest.STATES.index)
    result = BackupResult(
        changed=state != manifest.state,
        name=manifest.name,
        diff={"before": f"{manifest.name}: {manifest.state}\n", "after": f"{manifest.name}: {state}\n"},
        removed=(),
        recovery_action=None,
        backup=manifest.summary(),
    )
    if check_mode:
        return result
    with store.locked():
        request.remove_leftover_containers(engine)
        store.remove_partials()
        verified = verify.verify(engine, store, manifest, request, request.verify)
    return replace(result, backup=verified.summary())
