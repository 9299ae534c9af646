# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One backup run: pre-hooks, backup, off-site copy, post-hooks, and the record of the last run.

The module postgres_backup and the server's timer use the same code.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass, replace

from .. import atomic_file, progress
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from . import create, hooks
from .offsite_restic import OffsiteRepository
from .request import BackupRequest
from .store import BackupStore

LAST_RUN = "last-run.json"


@dataclass(frozen=True)
class BackupRun:
    """What surrounds a backup; ``hook_timeout`` is in seconds, ``started_by`` is ``ansible`` or ``timer``."""

    pre_hooks: tuple[tuple[str, ...], ...] = ()
    post_hooks: tuple[tuple[str, ...], ...] = ()
    hook_timeout: float = 600.0
    offsite: OffsiteRepository | None = None
    started_by: str = "ansible"


def run_backup(
    engine: Engine, store: BackupStore, request: BackupRequest, run: BackupRun, check_mode: bool = False
) -> create.BackupResult:
    """Create a backup with its hooks and its off-site copy.

    A pre-hook that fails ends the run before anything changes. The post-hooks run whenever the pre-hooks succeeded,
    also after a failure. The outcome is written to ``last-run.json`` in any case.
    """
    if check_mode:
        return create.create_backup(engine, store, request, check_mode=True)
    started, outcome = time.time(), _Outcome()
    try:
        result = _run(engine, store, request, run, outcome)
    except (SwitchyardError, OSError) as error:
        _save_last_run(store, run, outcome, started, str(error))
        raise
    _save_last_run(store, run, outcome, started, None)
    return result


@dataclass
class _Outcome:
    """How far a run got."""

    name: str | None = None
    state: str | None = None
    copied_offsite: bool = False


def _run(
    engine: Engine, store: BackupStore, request: BackupRequest, run: BackupRun, outcome: _Outcome
) -> create.BackupResult:
    variables: dict[str, t.Any] = {
        "project": request.project,
        "environment": request.environment,
        "stack": request.stack,
        "database": request.database,
        "backups": store.folder,
    }
    hooks.run_hooks("pre", run.pre_hooks, variables, run.hook_timeout)
    try:
        result = create.create_backup(engine, store, request)
        name = result.name
        outcome.name, outcome.state = name, result.backup.state if result.backup else None
        variables.update({"backup": name, "backup_state": outcome.state, "backup_folder": store.folder / name})
        if run.offsite:
            with store.locked(), progress.report_progress(store.folder, "offsite"):
                removed = run.offsite.upload(store, store.get(name), request.retention, request.keep_names)
                result = replace(result, removed_offsite=removed)
            outcome.copied_offsite = True
        result = replace(result, copied_offsite=outcome.copied_offsite)
    except BaseException:
        # The first error is the one to show.
        with contextlib.suppress(SwitchyardError):
            hooks.run_hooks("post", run.post_hooks, {**variables, "result": "failed"}, run.hook_timeout)
        raise
    hooks.run_hooks("post", run.post_hooks, {**variables, "result": "ok"}, run.hook_timeout)
    return result


def _save_last_run(store: BackupStore, run: BackupRun, outcome: _Outcome, started: float, error: str | None) -> None:
    content = {
        "ok": error is None,
        "started_by": run.started_by,
        "started": started,
        "finished": time.time(),
        "name": outcome.name,
        "state": outcome.state,
        "copied_offsite": outcome.copied_offsite,
        "error": error,
    }
    # A full disk has no room for this file either; the error is raised in any case.
    with contextlib.suppress(OSError):
        store.create_folder()
        atomic_file.write_json(store.folder / LAST_RUN, content, 0o600)


def last_run(store: BackupStore) -> dict[str, t.Any] | None:
    """Return the outcome of the last run, or None."""
    return t.cast("dict[str, t.Any] | None", atomic_file.read_json(store.folder / LAST_RUN))
