# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP probe of a color: through the proxy, or directly at a container's address."""

from __future__ import annotations

import http.client
import typing as t
from dataclasses import dataclass

from ...config.wildcard_hosts import example_of
from ...errors import GateFailed
from ...proxy import user_request

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container
    from ...proxy.driver import Proxy
    from ...proxy.state import StackRoutes

BODY_SHOWN = 400
POLL = 0.05


@dataclass(frozen=True)
class Answer:
    """The answer to one request: a status and the start of the body, or the error."""

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
class ColorTarget:
    """A color that the gates probe: its routes, the network of the proxy, and its number of containers."""

    routing: StackRoutes
    color: str
    network: str
    count: int

    def containers(self, engine: Engine) -> list[Container]:
        """Return the containers of the color."""
        routing = self.routing
        labels = {"project": routing.project, "environment": routing.environment, "stack": routing.stack}
        return engine.containers(color=self.color, **labels)


def probe_container(address: str, port: int, host: str, path: str, timeout: float, https: bool | None = None) -> Answer:
    """Send a request to a container's own address; a refused connection fails at once, unlike through a proxy.

    It has the headers of a request through a proxy. ``https`` is whether users of the host have https; None asks an
    application that redirects to https again.
    """
    request, name = f"GET http://{address}:{port}{path}", example_of(host)
    headers = {"Host": name, "X-Forwarded-Host": name, "X-Forwarded-Proto": "https" if https else "http"}
    try:
        answer = user_request.get(http.client.HTTPConnection(address, port, timeout=timeout), path, headers)
    except OSError as error:
        return Answer(request, None, error=f"{type(error).__name__}: {error}")
    if https is None and answer.redirects_to_https(name, path):
        return probe_container(address, port, host, path, timeout, https=True)
    return Answer(request, answer.status, "the container", answer.body)


def probe_via_proxy(proxy: Proxy, host: str, path: str, color: str | None, timeout: float) -> Answer:
    """Send a request through the proxy, to a color or to the live one."""
    request = f"GET http://{host}{path}" + (f" (only {color})" if color else "")
    try:
        status, answered, body = proxy.request(host, path, color, timeout)
    except OSError as error:
        return Answer(request, None, error=f"{type(error).__name__}: {error}")
    return Answer(request, status, answered, body)


def gate_failure(engine: Engine, proxy: Proxy, target: ColorTarget, gate: str, why: str, answer: str) -> GateFailed:
    """Return the error of a gate that did not hold, with everything that shows the cause."""
    return GateFailed(
        f"The {gate} gate of {target.routing.stack} ({target.color}) failed: {why}. Last answer: {answer}.",
        gate=gate,
        answer=answer,
        logs={container.name: engine.logs(container.id) for container in target.containers(engine)},
        proxy=proxy.stats(target.routing.key, target.color),
    )
