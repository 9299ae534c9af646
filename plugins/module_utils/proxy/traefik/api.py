# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik's API: a client, and the proxy state in what ``/api/rawdata`` returns."""

from __future__ import annotations

import base64
import http.client
import json
import typing as t
import urllib.parse

from ... import names
from ...errors import ProxyUnavailable
from ..route_options import RouteOptions
from ..state import ProxyState, RouteKey
from .dynamic_config import API_HOST, PRIVATE_PORT, Document
from .middlewares import options_of_middleware

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine

# Seconds
API_TIMEOUT = 5.0


class TraefikApi:
    """The API of the Traefik in a container, at the container's own address."""

    def __init__(self, container: str, engine: Engine, server_key: t.Callable[[], str]) -> None:
        """Take the container's name, its engine, and a function that returns the key that the API asks for."""
        self.container = container
        self.engine = engine
        self.server_key = server_key
        self._address: str | None = None

    def rawdata(self, port: int | None = None) -> Document:
        """Return all routers, services and middlewares that Traefik has; ``port`` is for the second Traefik.

        Raises ProxyUnavailable when it does not answer.
        """
        try:
            try:
                return self._get(self.address(), port or PRIVATE_PORT)
            except OSError:
                # The container may have started again, with another address.
                self._address = None
                return self._get(self.address(), port or PRIVATE_PORT)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ProxyUnavailable(
                f"The proxy's API does not answer ({error}).",
                hint=f"Read its log with 'docker logs {self.container}', then run setup.yml.",
            ) from error

    def address(self) -> str:
        """Return the address of the container on one of its networks. Raises OSError where it has none."""
        if not self._address:
            container = self.engine.container(self.container)
            self._address = container.address_on(container.name) or None if container else None
        if not self._address:
            raise OSError(f"the container {self.container} does not run")
        return self._address

    def _get(self, address: str, port: int) -> Document:
        connection = http.client.HTTPConnection(address, port, timeout=API_TIMEOUT)
        try:
            password = base64.b64encode(f"{API_HOST}:{self.server_key()}".encode()).decode()
            headers = {"Host": API_HOST, "Authorization": f"Basic {password}"}
            connection.request("GET", "/api/rawdata", headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"status {response.status}")
            raw: Document = json.loads(response.read())
            return raw
        finally:
            connection.close()


def state_of(raw: Document) -> ProxyState:
    """Return the proxy state in ``/api/rawdata``."""
    routes: dict[RouteKey, str] = {}
    live: dict[str, str] = {}
    availability: dict[str, str] = {}
    weights: dict[str, int] = {}
    for (key, kind, rest), router in stack_entries(raw, "routers"):
        if kind in names.COLORS:
            routes[key, kind, urllib.parse.unquote(rest)] = service_of(name_parts(router["service"])[2])
    for (key, kind, _rest), middleware in stack_entries(raw, "middlewares"):
        headers = middleware.get("headers", {})
        if kind == "live":
            live[key] = headers["customResponseHeaders"]["X-Switchyard-Color"]
        elif kind == "page" and headers["customRequestHeaders"]["X-Switchyard-Page"] != "placeholder":
            availability[key] = headers["customRequestHeaders"]["X-Switchyard-Page"]
    for (key, kind, _rest), service in stack_entries(raw, "services"):
        if kind == "public":
            for child in service["weighted"]["services"]:
                if name_parts(child["name"])[1] != live.get(key) and child["weight"]:
                    weights[key] = child["weight"]
    return ProxyState(live, routes, weights, availability)


def options_in(raw: Document) -> dict[RouteKey, RouteOptions]:
    """Return the options of each color's routes in ``/api/rawdata``."""
    prefix = "options-"
    return {
        (key, kind[len(prefix) :], urllib.parse.unquote(rest)): options_of_middleware(middleware)
        for (key, kind, rest), middleware in stack_entries(raw, "middlewares")
        if kind.startswith(prefix)
    }


def servers_of(raw: Document) -> dict[str, str]:
    """Return the URL of each color's services in ``/api/rawdata``."""
    return {
        ":".join(name): service["loadBalancer"]["servers"][0]["url"]
        for name, service in stack_entries(raw, "services")
        if name[1] in names.COLORS and ":" not in name[2]
    }


def stack_entries(raw: Document, part: str) -> t.Iterator[tuple[tuple[str, str, str], Document]]:
    """Yield the routers, services or middlewares of stacks, with the three parts of their names."""
    for name, value in (raw.get(part) or {}).items():
        key, kind, rest = name_parts(name)
        # The key of a stack has two dots (names.stack_key).
        if name.endswith("@file") and key.count(".") == 2 and kind:
            yield (key, kind, rest), value


def name_parts(name: str) -> tuple[str, str, str]:
    """Return the key, the kind and the rest of a name; missing parts are empty."""
    parts = (*name.removesuffix("@file").split(":", 2), "", "")
    return parts[0], parts[1], parts[2]


def service_of(rest: str) -> str:
    """Return the name of a service, from what follows the color in the name of its backend."""
    return rest.partition(":")[0]
