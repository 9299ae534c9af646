# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates before the switch: health and smoke. Both ask through the proxy, where the public will come in."""

from __future__ import annotations

import time
import typing as t

from ...errors import SwitchyardError
from .probe import POLL, Answer, ColorTarget, gate_failure, probe_container, probe_via_proxy

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container
    from ...proxy.driver import Proxy

RESTARTS_ALLOWED = 2


def wait_until_healthy(
    engine: Engine, proxy: Proxy, standing: ColorTarget, settings: dict[str, dict[str, t.Any]]
) -> float:
    """Wait until every container runs and every route gave its number of good answers in a row; return the seconds.

    ``settings`` has the health settings per routed service. Raises SwitchyardError, with the last answer, the
    containers' last log lines and the proxy's view, when a container ends or the time limit passes.
    """
    begun = time.monotonic()
    aimed: dict[str, str] = {}
    for service, port in standing.routing.services().items():
        host = next(route.host for route in standing.routing.routes if route.service == service)
        wanted = settings[service]
        limit = begun + wanted["timeout"]
        good, answer = 0, Answer("nothing asked yet", None)
        while good < wanted["successes"]:
            seen = assert_containers_running(engine, standing, str(answer))
            address = next(one.addresses.get(standing.network, "") for one in seen if one.label("service") == service)
            if good == 0:
                answer = probe_container(address, port, host, wanted["path"], wanted["request_timeout"])
                if answer.status == wanted["status"] and aimed.get(service) != address:
                    aimed[service] = address
                    proxy.set_server_addresses(standing.routing, standing.color, {service: address})
            if good or answer.status == wanted["status"]:
                answer = probe_via_proxy(proxy, host, wanted["path"], standing.color, wanted["request_timeout"])
            fine = answer.status == wanted["status"] and answer.color == standing.color
            good = good + 1 if fine else 0
            if time.monotonic() > limit:
                raise gate_failure(
                    engine, proxy, standing, "health", f"not healthy after {wanted['timeout']:g} s", str(answer)
                )
            if good < wanted["successes"]:
                time.sleep(wanted["interval"] if good else POLL)
    return time.monotonic() - begun


def health_settings(stack: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Return the health settings of each routed service; the first route of a service says them."""
    settings: dict[str, dict[str, t.Any]] = {}
    for route in stack["routes"]:
        settings.setdefault(route["service"], route["health"])
    return settings


def health_timeout(stack: dict[str, t.Any]) -> float:
    """Return the seconds that the health gate of a stack may take, all routes together."""
    return float(sum(route["health"]["timeout"] for route in stack["routes"]))


def assert_containers_running(engine: Engine, standing: ColorTarget, last: str) -> list[Container]:
    """Return the color's containers. Raises SwitchyardError at once when one is missing, ended or unhealthy."""
    found = standing.containers(engine)
    wrong = f"only {len(found)} of its {standing.count} containers are there" if len(found) < standing.count else None
    for container in found:
        if container.state in ("exited", "dead") or container.restarts > RESTARTS_ALLOWED:
            wrong = f"{container.name} ended (exit code {container.exit_code}, {container.restarts} restarts)"
        elif container.health == "unhealthy":
            wrong = f"{container.name} is unhealthy, says its own health check"
    if wrong:
        raise SwitchyardError(
            f"The health gate of {standing.routing.stack} ({standing.color}) failed: {wrong}. Last answer: {last}.",
            gate="health",
            answer=last,
            logs={container.name: engine.logs(container.id) for container in found},
        )
    return found
