# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health gate: consecutive successful responses of a color through the proxy."""

from __future__ import annotations

import time
import typing as t

from ...config.stack import HealthSpec, Stack
from ...errors import GateFailed
from .probe import POLL, Answer, ColorTarget, gate_failure, probe_container, probe_via_proxy

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container
    from ...proxy.driver import Proxy

RESTARTS_ALLOWED = 2


def wait_until_healthy(
    engine: Engine, proxy: Proxy, target: ColorTarget, settings: t.Mapping[str, HealthSpec]
) -> float:
    """Wait until every container runs and every service gave its successful responses in a row; return the seconds.

    ``settings`` has the health settings per routed service. Raises GateFailed, with the last answer, the
    containers' last log lines and the proxy's view, when a container ends or the time limit passes.
    """
    begin = time.monotonic()
    configured: dict[str, str] = {}
    for service, port in target.routing.services().items():
        host = next(route.host for route in target.routing.routes if route.service == service)
        health = settings[service]
        limit = begin + health.timeout
        successes, answer = 0, Answer("no request yet", None)
        while successes < health.successes:
            containers = assert_containers_running(engine, target, str(answer))
            container = next(item for item in containers if item.label("service") == service)
            address = container.addresses.get(target.network, "")
            if successes == 0:
                https = proxy.capabilities.serves_https(host) or None
                answer = probe_container(address, port, host, health.path, health.request_timeout, https)
                if answer.status == health.status and configured.get(service) != address:
                    configured[service] = address
                    proxy.set_server_addresses(target.routing, target.color, {service: address})
            if successes or answer.status == health.status:
                answer = probe_via_proxy(proxy, host, health.path, target.color, health.request_timeout)
            succeeded = answer.status == health.status and answer.color == target.color
            successes = successes + 1 if succeeded else 0
            if time.monotonic() > limit:
                raise gate_failure(
                    engine, proxy, target, "health", f"not healthy after {health.timeout:g} s", str(answer)
                )
            if successes < health.successes:
                time.sleep(health.interval if successes else POLL)
    return time.monotonic() - begin


def health_settings(stack: Stack) -> dict[str, HealthSpec]:
    """Return the health settings of each routed service, those of its first route."""
    settings: dict[str, HealthSpec] = {}
    for route in stack.routes:
        settings.setdefault(route.service, route.health)
    return settings


def health_timeout(stack: Stack) -> float:
    """Return the seconds that the health gate of a stack may take, all routes together."""
    return float(sum(route.health.timeout for route in stack.routes))


def container_fault(containers: t.Sequence[Container], count: int) -> tuple[str | None, str]:
    """Return what is wrong with the containers of a color, which should be ``count``, and a hint.

    None where all of them run.
    """
    hint = ""
    wrong = f"only {len(containers)} of its {count} containers exist" if len(containers) < count else None
    for container in containers:
        if container.state in ("exited", "dead") or container.restarts > RESTARTS_ALLOWED:
            if not container.exit_code and container.label("role") == "inner":
                service = container.label("service")
                hint = f"If its command is meant to end, write after_migrate: [{{service: {service}}}] in the stack."
            wrong = f"{container.name} ended (exit code {container.exit_code}, {container.restarts} restarts)"
        elif container.health == "unhealthy":
            wrong = f"{container.name} is unhealthy, says its own health check"
    return wrong, hint


def assert_containers_running(engine: Engine, target: ColorTarget, last: str) -> list[Container]:
    """Return the color's containers. Raises GateFailed at once when one is missing, ended or unhealthy."""
    containers = target.containers(engine)
    wrong, hint = container_fault(containers, target.count)
    if wrong:
        raise GateFailed(
            f"The health gate of {target.routing.stack} ({target.color}) failed: {wrong}. Last answer: {last}.",
            hint=hint,
            gate="health",
            answer=last,
            logs={container.name: engine.logs(container.id) for container in containers},
        )
    return containers
