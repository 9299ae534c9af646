# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One backup from its first hook to its copy off the server, and what the last one came to.

A module and a timer of the server do the same here.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from dataclasses import dataclass

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
    """What goes on around a backup. ``by`` is who asked for it: ``ansible`` or ``timer``."""

    pre: tuple[tuple[str, ...], ...] = ()
    post: tuple[tuple[str, ...], ...] = ()
    limit: float = 600.0
    copies: OffsiteRepository | None = None
    by: str = "ansible"


def run_backup(
    engine: Engine, shelf: BackupStore, wanted: BackupRequest, job: BackupRun, check: bool = False
) -> dict[str, t.Any]:
    """Make a backup with all that goes on around it; return the module's result.

    A pre-hook that fails ends it before anything is done. The post-hooks run whenever the pre-hooks did, also after a
    failure. What it came to is written down, whatever it was.
    """
    if check:
        return create.create_backup(engine, shelf, wanted, check=True)
    begun, done = time.time(), _RunResult()
    try:
        result = _run(engine, shelf, wanted, job, done)
    except (SwitchyardError, OSError) as error:
        _save_last_run(shelf, job, done, begun, str(error))
        raise
    _save_last_run(shelf, job, done, begun, None)
    return result


@dataclass
class _RunResult:
    """How far a run got."""

    name: str | None = None
    state: str | None = None
    copied: bool = False


def _run(
    engine: Engine, shelf: BackupStore, wanted: BackupRequest, job: BackupRun, done: _RunResult
) -> dict[str, t.Any]:
    told: dict[str, t.Any] = {
        "project": wanted.project,
        "environment": wanted.environment,
        "stack": wanted.stack,
        "database": wanted.database,
        "backups": shelf.folder,
    }
    hooks.run_hook("pre", job.pre, told, job.limit)
    try:
        result = create.create_backup(engine, shelf, wanted)
        done.name, done.state = result["name"], result["backup"]["state"]
        told.update({"backup": done.name, "backup_state": done.state, "backup_folder": shelf.folder / result["name"]})
        if job.copies:
            with shelf.locked(), progress.report_progress(shelf.folder, "copy"):
                result["forgotten"] = job.copies.put(shelf, shelf.need(result["name"]), wanted.rule, wanted.named)
            done.copied = True
        result["copied"] = done.copied
    except BaseException:
        # The first error is the one to show.
        with contextlib.suppress(SwitchyardError):
            hooks.run_hook("post", job.post, {**told, "result": "failed"}, job.limit)
        raise
    hooks.run_hook("post", job.post, {**told, "result": "ok"}, job.limit)
    return result


def _save_last_run(shelf: BackupStore, job: BackupRun, done: _RunResult, begun: float, error: str | None) -> None:
    content = {
        "ok": error is None,
        "by": job.by,
        "started": begun,
        "finished": time.time(),
        "name": done.name,
        "state": done.state,
        "copied": done.copied,
        "error": error,
    }
    # A disk that is full has no room for this either; what failed is told where it was asked for.
    with contextlib.suppress(OSError):
        shelf.make()
        atomic_file.write_json(shelf.folder / LAST_RUN, content, 0o600)


def last_run(shelf: BackupStore) -> dict[str, t.Any] | None:
    """Return what the last run came to, or None."""
    return t.cast("dict[str, t.Any] | None", atomic_file.read_json(shelf.folder / LAST_RUN))
