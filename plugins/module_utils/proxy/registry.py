# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported kinds of proxy, and the proxy of this server.

A server has one kind of proxy, and each module call starts a new Python: only the driver in use is imported.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, paths
from ..engine.docker_client import Engine
from ..errors import ProxyUnavailable
from .driver import Proxy

if t.TYPE_CHECKING:
    # A driver is made from the role's folder, the content of proxy.json, and the server's engine.
    Driver = t.Callable[[Path, t.Mapping[str, t.Any], Engine], Proxy]


def _haproxy() -> Driver:
    from .haproxy.driver import HAProxy

    return HAProxy


def _haproxy_behind_traefik() -> Driver:
    from .behind_traefik.driver import BehindTraefikProxy

    return BehindTraefikProxy


def _nginx() -> Driver:
    from .nginx.driver import Nginx

    return Nginx


def _traefik() -> Driver:
    from .traefik.driver import Traefik

    return Traefik


@dataclass(frozen=True)
class Provider:
    """The drivers of a kind of proxy: one for its own ports, and one behind an existing Traefik if that differs.

    Each field is a function that imports the driver and returns it.
    """

    driver: t.Callable[[], Driver]
    behind_traefik: t.Callable[[], Driver] | None = None


# The values of ``proxy_provider``. CONTRIBUTING.md, "Add a proxy", has the other steps.
PROVIDERS: dict[str, Provider] = {
    "haproxy": Provider(_haproxy, _haproxy_behind_traefik),
    "nginx": Provider(_nginx),
    "traefik": Provider(_traefik),
}


def open_proxy(root: Path, engine: Engine) -> Proxy:
    """Return the proxy that the role ``proxy`` set up. Raises ProxyUnavailable where there is none."""
    folder, path = paths.proxy_folder(root), paths.proxy_settings(root)
    settings = atomic_file.read_json(path)
    if not settings:
        raise ProxyUnavailable(f"This server has no proxy ({path} is missing).", hint="Run setup.yml.")
    name = settings["provider"]
    if name not in PROVIDERS:
        raise ProxyUnavailable(f"{path} names {name!r}, which this version does not know.", hint="Run setup.yml.")
    provider = PROVIDERS[name]
    if not settings["behind_traefik"]:
        return provider.driver()(folder, settings, engine)
    if provider.behind_traefik:
        return provider.behind_traefik()(folder, settings, engine)
    # No port of the server leads to the proxy, so it is reached at the container's address.
    container = engine.container(settings["container"])
    # Its own network has its name, and outlives the stacks.
    address = container.address_on(container.name) if container else ""
    return provider.driver()(folder, {**settings, "address": address}, engine)
