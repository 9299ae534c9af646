# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates before the switch: health and smoke. Both ask through the proxy, where the public will come in."""

from __future__ import annotations

import http.client
import time
import typing as t
from dataclasses import dataclass

from ...errors import SwitchyardError

if t.TYPE_CHECKING:
    from ...engine.docker_client import Container, Engine
    from ...proxy.driver import Proxy, Routing

BODY_SHOWN = 400
POLL = 0.05
RESTARTS_ALLOWED = 2


@dataclass(frozen=True)
class Answer:
    """What came back of one request: a status and the start of the body, or why nothing came."""

    request: str
    status: int | None
    color: str | None = None
    body: str = ""
    error: str | None = None

    def __str__(self) -> str:
        if self.error:
            return f"{self.request}: {self.error}"
        return (
            f"{self.request}: {self.status} from {self.color or 'the proxy itself'}: {self.body[:BODY_SHOWN].strip()}"
        )


@dataclass(frozen=True)
class Standing:
    """A color as it should stand: its routes, the network on which the proxy reaches it, and how many containers."""

    routing: Routing
    color: str
    network: str
    count: int

    def containers(self, engine: Engine) -> list[Container]:
        """Return the color's containers there are."""
        routing = self.routing
        labels = {"project": routing.project, "environment": routing.environment, "stack": routing.stack}
        return engine.containers(color=self.color, **labels)


def direct(address: str, port: int, host: str, path: str, timeout: float) -> Answer:
    """Ask a container at its own address; a refused connection comes back at once, unlike through a proxy."""
    request = f"GET http://{address}:{port}{path}"
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        answer = connection.getresponse()
        return Answer(request, answer.status, "the container", answer.read(4096).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(request, None, error=f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def through(proxy: Proxy, host: str, path: str, color: str | None, timeout: float) -> Answer:
    """Ask through the proxy, a color of one's own choice or whatever is live."""
    request = f"GET http://{host}{path}" + (f" (only {color})" if color else "")
    try:
        status, answered, body = proxy.request(host, path, color, timeout)
    except OSError as error:
        return Answer(request, None, error=f"{type(error).__name__}: {error}")
    return Answer(request, status, answered, body)


def health(engine: Engine, proxy: Proxy, standing: Standing, settings: dict[str, dict[str, t.Any]]) -> float:
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
            seen = present(engine, standing, str(answer))
            address = next(one.addresses.get(standing.network, "") for one in seen if one.label("service") == service)
            if good == 0:
                answer = direct(address, port, host, wanted["path"], wanted["request_timeout"])
                if answer.status == wanted["status"] and aimed.get(service) != address:
                    aimed[service] = address
                    proxy.aim(standing.routing, standing.color, {service: address})
            if good or answer.status == wanted["status"]:
                answer = through(proxy, host, wanted["path"], standing.color, wanted["request_timeout"])
            fine = answer.status == wanted["status"] and answer.color == standing.color
            good = good + 1 if fine else 0
            if time.monotonic() > limit:
                raise failure(
                    engine, proxy, standing, "health", f"not healthy after {wanted['timeout']:g} s", str(answer)
                )
            if good < wanted["successes"]:
                time.sleep(wanted["interval"] if good else POLL)
    return time.monotonic() - begun


def settings_of(stack: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Return the health settings of each routed service; the first route of a service says them."""
    settings: dict[str, dict[str, t.Any]] = {}
    for route in stack["routes"]:
        settings.setdefault(route["service"], route["health"])
    return settings


def patience_of(stack: dict[str, t.Any]) -> float:
    """Return the seconds that the health gate of a stack may take, all routes together."""
    return float(sum(route["health"]["timeout"] for route in stack["routes"]))


def present(engine: Engine, standing: Standing, last: str) -> list[Container]:
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


def smoke(engine: Engine, proxy: Proxy, standing: Standing, checks: list[dict[str, t.Any]]) -> None:
    """Ask what a person would ask, of this color only. Raises SwitchyardError with the first answer that is wrong."""
    for wanted in checks:
        host = wanted["host"] or standing.routing.routes[0].host
        answer = through(proxy, host, wanted["path"], standing.color, wanted["request_timeout"])
        wrong = None
        if answer.status != wanted["status"] or answer.color != standing.color:
            wrong = f"wanted {wanted['status']} from {standing.color}"
        elif wanted["contains"] and wanted["contains"] not in answer.body:
            wrong = f"the answer does not contain {wanted['contains']!r}"
        if wrong:
            raise failure(engine, proxy, standing, "smoke", wrong, str(answer))


def failure(engine: Engine, proxy: Proxy, standing: Standing, gate: str, why: str, answer: str) -> SwitchyardError:
    """Return the error of a gate that did not hold, with everything a person needs to see why."""
    return SwitchyardError(
        f"The {gate} gate of {standing.routing.stack} ({standing.color}) failed: {why}. Last answer: {answer}.",
        gate=gate,
        answer=answer,
        logs={container.name: engine.logs(container.id) for container in standing.containers(engine)},
        proxy=proxy.stats(standing.routing.key, standing.color),
    )


def confirm(proxy: Proxy, routing: Routing, color: str, limit: float = 5.0) -> int:
    """Wait until the public way in answers with a color on every route; return how many requests that took.

    Any status counts: which color answers is the question, and the gates have asked the rest. Raises
    SwitchyardError when another color still answers after ``limit`` seconds.
    """
    end = time.monotonic() + limit
    asked = 0
    for route in routing.routes:
        while True:
            asked += 1
            answer = through(proxy, route.host, route.path, None, limit)
            if answer.color == color:
                break
            if time.monotonic() > end:
                raise SwitchyardError(f"The proxy was told to send {routing.stack} to {color}, but {answer}.")
            time.sleep(POLL)
    return asked


def drain(proxy: Proxy, key: str, color: str, limit: float) -> int:
    """Wait until a color answers no request, at most ``limit`` seconds; return how many are left."""
    end = time.monotonic() + limit
    while True:
        left = proxy.in_flight(key, color)
        if left == 0 or time.monotonic() > end:
            return left
        time.sleep(POLL)
