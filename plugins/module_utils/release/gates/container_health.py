# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait until the containers of a service are healthy, by their own health checks."""

from __future__ import annotations

import time
import typing as t

from ...engine.compose_dependencies import HealthWait
from ...engine.docker_client import Engine
from ...engine.models import Container
from ...errors import GateFailed

# Seconds between two looks at the containers.
POLL = 0.25

# The fewest seconds that a service gets: a health check without start_period gives up before a slow first start.
LEAST = 60.0

# Characters of a health check's output that a message repeats, from its end.
OUTPUT_SHOWN = 300

NO_CHECK = "has no health check"


def wait_until_healthy(
    engine: Engine, kind: str, wait: HealthWait, containers: t.Callable[[], t.Sequence[Container]]
) -> str | None:
    """Wait until all containers of a service are healthy; return None, or why they are not if nothing requires it.

    ``kind`` is what messages call the service. Raises GateFailed where it is required, with the output of the last
    health check and the last log lines.
    """
    begin = time.monotonic()
    while True:
        current = containers()
        late = [container for container in current if not container.running or container.health != "healthy"]
        if current and not late:
            return None
        limit = limit_of(current)
        reason = _final_reason(late)
        if not reason and time.monotonic() - begin > limit:
            reason = f"is not healthy after {limit:g} s"
        if reason and wait.required:
            raise error(engine, kind, wait, reason, late)
        if reason:
            return f"The {kind} {wait.service} {reason}; {_waiting(wait)}, and the file does not require it."
        time.sleep(POLL)


def limit_of(containers: t.Sequence[Container]) -> float:
    """Return the seconds that a service gets to be healthy: those of its own health check, and at least LEAST."""
    return max([LEAST, *(container.check.seconds for container in containers if container.check)])


def error(engine: Engine, kind: str, wait: HealthWait, reason: str, late: t.Sequence[Container]) -> GateFailed:
    """Return the error of a service that is not healthy, with the output of the last health check and the logs."""
    checks = [container.check for container in late if container.check and container.check.exit_code is not None]
    last = "".join(
        f" Its last health check ended with exit code {check.exit_code}: {_shown(check.output)}."
        for check in checks[:1]
    )
    hint = "Correct what its log below says; if it only needs longer, raise start_period of its healthcheck."
    if reason == NO_CHECK:
        hint = "Add a healthcheck to it in the Compose file, or write condition: service_started."
    return GateFailed(
        f"The {kind} {wait.service} {reason}, and {_waiting(wait)}.{last}",
        hint=hint,
        gate="container health",
        logs={container.name: engine.logs(container.id) for container in late},
    )


def _final_reason(late: t.Sequence[Container]) -> str | None:
    """Return why waiting longer is useless, or None. An unhealthy container may still become healthy."""
    for container in late:
        if container.state in ("exited", "dead"):
            return f"has ended with exit code {container.exit_code}"
        if container.running and not container.check:
            return NO_CHECK
    return None


def _shown(output: str) -> str:
    return " ".join(output.split())[-OUTPUT_SHOWN:] or "no output"


def _waiting(wait: HealthWait) -> str:
    services = " and ".join(filter(None, (", ".join(wait.waiting[:-1]), wait.waiting[-1])))
    return f"{services} {'wait' if len(wait.waiting) > 1 else 'waits'} for it (depends_on)"
