# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of a release's accessories, and the wait until those that other services need are healthy."""

from __future__ import annotations

import time
import typing as t

from .. import progress
from ..command import CommandError
from ..engine.compose_dependencies import AccessoryWait
from ..engine.models import Container
from ..errors import GateFailed
from .context import StackContext
from .record import Record

# Seconds between two looks at an accessory.
POLL = 0.25

# The fewest seconds that an accessory gets: a health check without start_period gives up before a slow first start.
LEAST = 60.0

# Characters of a health check's output that a message repeats, from its end.
OUTPUT_SHOWN = 300


def start(ctx: StackContext, record: Record, token: int) -> list[str]:
    """Start the accessories, and wait for those that other services of the release wait for.

    Returns a sentence for each that is not healthy and not required. Raises GateFailed for the others, with the output
    of the last health check and the last log lines; the live color is not touched.
    """
    if not record.accessories:
        return []
    with ctx.lock.renewed(token, "accessories"), progress.report_progress(ctx.folder, "accessories"):
        try:
            ctx.compose_up(record, "accessories")
        except CommandError as error:
            raise _start_error(ctx, error) from error
        return [warning for wait in record.waits for warning in _wait(ctx, wait)]


def limit_of(containers: t.Sequence[Container]) -> float:
    """Return the seconds that an accessory gets to be healthy: those of its own health check, and at least LEAST."""
    return max([LEAST, *(container.check.seconds for container in containers if container.check)])


def _wait(ctx: StackContext, wait: AccessoryWait) -> list[str]:
    """Wait for one accessory; return why it is not healthy where it is not required."""
    begin = time.monotonic()
    while True:
        containers = ctx.containers(role="accessory", service=wait.accessory)
        late = [container for container in containers if not container.running or container.health != "healthy"]
        if containers and not late:
            return []
        limit = limit_of(containers)
        reason = _final_reason(late)
        if not reason and time.monotonic() - begin > limit:
            reason = f"is not healthy after {limit:g} s"
        if reason and wait.required:
            raise _error(ctx, wait, reason, late)
        if reason:
            return [f"The accessory {wait.accessory} {reason}; {_waiting(wait)}, and the file does not require it."]
        time.sleep(POLL)


def _final_reason(late: t.Sequence[Container]) -> str | None:
    """Return why waiting longer for an accessory is useless, or None. An unhealthy one may still become healthy."""
    for container in late:
        if container.state in ("exited", "dead"):
            return f"has ended with exit code {container.exit_code}"
        if container.running and not container.check:
            return "has no health check"
    return None


def _waiting(wait: AccessoryWait) -> str:
    services = " and ".join(filter(None, (", ".join(wait.services[:-1]), wait.services[-1])))
    return f"{services} {'wait' if len(wait.services) > 1 else 'waits'} for it (depends_on)"


def _error(ctx: StackContext, wait: AccessoryWait, reason: str, late: t.Sequence[Container]) -> GateFailed:
    checks = [container.check for container in late if container.check and container.check.exit_code is not None]
    last = "".join(
        f" Its last health check ended with exit code {check.exit_code}: {check.output[-OUTPUT_SHOWN:] or 'no output'}."
        for check in checks[:1]
    )
    hint = "Correct what its log below says; if it only needs longer, raise start_period of its healthcheck."
    if reason == "has no health check":
        hint = "Add a healthcheck to it in the Compose file, or write condition: service_started."
    return GateFailed(
        f"The accessory {wait.accessory} {reason}, and {_waiting(wait)}.{last}",
        hint=hint,
        gate="accessories",
        logs={container.name: ctx.engine.logs(container.id) for container in late},
    )


def _start_error(ctx: StackContext, error: CommandError) -> CommandError | GateFailed:
    """Return the error of Compose, with the accessory whose health check failed where that is the reason."""
    found = [
        container
        for container in ctx.containers(role="accessory")
        if container.health == "unhealthy" or container.state in ("exited", "dead")
    ]
    if not found:
        return error
    wait = AccessoryWait(found[0].label("service"), ("another accessory",))
    reason = "is unhealthy" if found[0].running else f"has ended with exit code {found[0].exit_code}"
    return _error(ctx, wait, reason, found)
