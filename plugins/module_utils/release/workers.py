# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers of a release: the old ones end, then the new ones start and are watched."""

from __future__ import annotations

import re
import time

from .. import atomic_file, paths, progress
from ..engine import compose_cli
from ..errors import GateFailed
from .context import StackContext
from .record import Record

# Seconds between two looks at the workers.
POLL = 0.2

# The durations of Compose: 1h30m, 10s, 500ms (Compose specification, 11-extension.md).
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def replace(ctx: StackContext, record: Record, previous: Record | None, token: int) -> None:
    """Stop the old workers, start those of a release, and watch them for ``worker_min_ready`` seconds.

    Compose waits for a worker to end within its grace period, and only then starts the new one. Raises GateFailed with
    the log of a worker that ends; the release is reverted afterwards, not here.
    """
    if paths.compose_file(ctx.records.path(record.number), "workers").exists():
        limit = compose_cli.UP_TIMEOUT + max(grace(ctx, one) for one in (record, previous) if one)
        with ctx.lock.renewed(token, "workers"), progress.report_progress(ctx.folder, "workers"):
            ctx.compose_up(record, "workers", limit)
    if record.workers:
        ctx.lock.renew(token, "workers", record.stack.worker_min_ready)
        _watch(ctx, record)


def grace(ctx: StackContext, record: Record) -> float:
    """Return the longest grace period of the workers of a release, in seconds."""
    project = atomic_file.read_json(paths.compose_file(ctx.records.path(record.number), "workers")) or {}
    periods = [service.get("stop_grace_period") or "" for service in project.get("services", {}).values()]
    return max((_seconds(str(period)) for period in periods), default=0.0)


def _seconds(duration: str) -> float:
    return sum(float(number) * SECONDS[unit] for number, unit in DURATION.findall(duration))


def _watch(ctx: StackContext, record: Record) -> None:
    end = time.monotonic() + record.stack.worker_min_ready
    while True:
        workers = ctx.containers(role="worker")
        failed = [worker for worker in workers if worker.state in ("exited", "dead", "restarting") or worker.restarts]
        if failed or len(workers) < record.workers:
            described = ", ".join(f"{worker.name} ({worker.state}, exit code {worker.exit_code})" for worker in failed)
            raise GateFailed(
                f"A worker of {ctx.stack} does not keep running: {described or 'one is missing'}.",
                gate="workers",
                logs={worker.name: ctx.engine.logs(worker.id) for worker in failed},
            )
        if time.monotonic() > end:
            return
        time.sleep(POLL)
