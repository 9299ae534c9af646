# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy drivers by provider name, and the proxy of this server."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .. import atomic_file, paths
from ..engine.docker_client import Engine
from ..errors import ProxyUnavailable
from .behind_traefik.driver import BehindTraefikProxy
from .driver import Proxy
from .haproxy.driver import HAProxy
from .nginx.driver import Nginx
from .traefik.driver import Traefik


def _haproxy(folder: Path, settings: dict[str, t.Any], engine: Engine) -> Proxy:
    return (HAProxy if settings["address"] else BehindTraefikProxy)(folder, settings, engine)


PROXIES: dict[str, t.Callable[[Path, dict[str, t.Any], Engine], Proxy]] = {
    "haproxy": _haproxy,
    "nginx": Nginx,
    "traefik": Traefik,
}


def open_proxy(root: Path, engine: Engine) -> Proxy:
    """Return the proxy that the role ``proxy`` set up. Raises ProxyUnavailable where there is none."""
    folder = paths.proxy_folder(root)
    settings = atomic_file.read_json(paths.proxy_settings(root))
    if not settings:
        raise ProxyUnavailable(
            f"There is no proxy on this server ({paths.proxy_settings(root)} is missing).", hint="Run setup.yml."
        )
    provider = settings.get("provider", "haproxy")
    if provider not in PROXIES:
        raise ProxyUnavailable(
            f"{paths.proxy_settings(root)} names {provider!r}, which this version does not know.",
            hint="Run setup.yml.",
        )
    if not settings["address"] and provider != "haproxy":
        # Behind an edge: no port of the server leads to it.
        container = engine.container(settings["container"])
        settings["address"] = next(filter(None, container.addresses.values()), "") if container else ""
    return PROXIES[provider](folder, settings, engine)
