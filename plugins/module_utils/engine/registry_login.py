# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins for image registries: for the engine's API, and as a private configuration of the Docker client.

The engine gets a login in the header of one request; no file holds it. Compose reads it from a folder that exists while
one command runs.
"""

from __future__ import annotations

import base64
import json
import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file

# Docker Hub's name in images, and its key in the client's configuration (docker/cli, config/credentials).
HUB = "docker.io"
HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class RegistryLogin:
    """A user of a registry; ``server`` is the host with its port, as image names begin with it."""

    server: str
    username: str
    password: str = field(repr=False)


Logins = t.Sequence[RegistryLogin]


def logins_of(given: t.Iterable[t.Mapping[str, str]]) -> tuple[RegistryLogin, ...]:
    """Return the logins from a module's option ``registries``."""
    return tuple(RegistryLogin(_host(item["server"]), item["username"], item["password"]) for item in given)


def _host(server: str) -> str:
    host = server.split("://", maxsplit=1)[-1].split("/", maxsplit=1)[0]
    return HUB if host in (f"index.{HUB}", f"registry-1.{HUB}") else host


def registry_of(image: str) -> str:
    """Return the registry of an image name (distribution/reference: a first part with a dot or a port is a host)."""
    first, separator, _rest = image.partition("/")
    return first if separator and ("." in first or ":" in first or first == "localhost") else HUB


def login_for(image: str, logins: Logins) -> dict[str, str] | None:
    """Return the login for the registry of an image, as the Docker SDK takes it; None without one."""
    registry = registry_of(image)
    for login in logins:
        if login.server == registry:
            return {"username": login.username, "password": login.password}
    return None


def write_client_config(folder: Path, logins: Logins) -> None:
    """Make a private folder a configuration of the Docker client: that of this user, with the logins added.

    Contexts and plugins of the user stay available. A credential store of the user is not asked for these registries.
    """
    own = Path(os.environ.get("DOCKER_CONFIG") or Path(os.environ.get("HOME", "/"), ".docker"))
    config: dict[str, t.Any] = {}
    if own.is_dir():
        for entry in own.iterdir():
            if entry.name != "config.json":
                (folder / entry.name).symlink_to(entry)
        text = atomic_file.read(own / "config.json")
        config = json.loads(text) if text else {}
    keys = {login.server if login.server != HUB else HUB_KEY: login for login in logins}
    auths = {key: {"auth": _basic(login)} for key, login in keys.items()}
    config["auths"] = {**config.get("auths", {}), **auths}
    config["credHelpers"] = {**config.get("credHelpers", {}), **dict.fromkeys(keys, "")}
    atomic_file.write_json(folder / "config.json", config, 0o600)


def _basic(login: RegistryLogin) -> str:
    return base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
