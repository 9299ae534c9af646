# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of a release's accessories, and the wait until those that other services need are healthy."""

from __future__ import annotations

import contextlib
import functools

from .. import atomic_file, paths, progress
from ..command import CommandError
from ..engine.compose_dependencies import HealthWait
from ..errors import GateFailed, SwitchyardError
from .context import StackContext
from .gates import container_health
from .record import Record


def start(ctx: StackContext, record: Record, token: int) -> list[str]:
    """Start the accessories, and wait for those that other services of the release wait for.

    Returns a sentence for each that is not healthy and not required. Raises GateFailed for the others; then the live
    release has its own accessories again.
    """
    if not record.accessories:
        return []
    with ctx.lock.renewed(token, "accessories"), progress.report_progress(ctx.folder, "accessories"):
        try:
            ctx.compose_up(record, "accessories")
            return [warning for wait in record.waits for warning in [_wait(ctx, wait)] if warning]
        except (CommandError, GateFailed) as error:
            cause = _start_error(ctx, error) if isinstance(error, CommandError) else error
            raise _restored(ctx, record, cause) from error


def ended(ctx: StackContext, record: Record) -> list[str]:
    """Return a sentence for each accessory of a release that has ended or restarts, and that nothing needs healthy.

    A condition ``service_started`` holds for it, as with Compose: the health gate says whether the color needs it.
    """
    waits = {wait.service for wait in record.waits}
    plain = [service for service in record.stack.accessories if service not in waits]
    containers = ctx.containers(role="accessory") if plain else []
    return [
        f"The accessory {one.label('service')} does not keep running: {one.name} is {one.state}, "
        f"exit code {one.exit_code}, {one.restarts} restarts. "
        f"Its last log line: {' '.join(ctx.engine.logs(one.id, lines=1)) or 'none'}"
        for one in containers
        if one.state in ("exited", "dead", "restarting") and one.label("service") in plain
    ]


def _wait(ctx: StackContext, wait: HealthWait) -> str | None:
    containers = functools.partial(ctx.containers, role="accessory", service=wait.service)
    return container_health.wait_until_healthy(ctx.engine, "accessory", wait, containers)


def _start_error(ctx: StackContext, error: CommandError) -> SwitchyardError:
    """Return the error of Compose, with the accessory whose health check failed where that is the reason."""
    found = [
        container
        for container in ctx.containers(role="accessory")
        if container.health == "unhealthy" or container.state in ("exited", "dead")
    ]
    if not found:
        return error
    wait = HealthWait(found[0].label("service"), ("another accessory",))
    reason = "is unhealthy" if found[0].running else f"has ended with exit code {found[0].exit_code}"
    return container_health.error(ctx.engine, "accessory", wait, reason, found)


def _restored(ctx: StackContext, record: Record, error: SwitchyardError) -> SwitchyardError:
    """Start the accessories of the live release again if this one has changed them; return the error with that."""
    live = ctx.records.get(ctx.release_on(ctx.live()))
    if not live or not live.accessories or _file(ctx, live) == _file(ctx, record):
        return error
    with contextlib.suppress(CommandError):
        ctx.compose_up(live, "accessories")
        return SwitchyardError(f"{error} The accessories of release {live.number} run again.", **error.details)
    return error


def _file(ctx: StackContext, record: Record) -> str | None:
    return atomic_file.read(paths.compose_file(ctx.records.path(record.number), "accessories"))
