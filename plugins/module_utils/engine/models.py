# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, images, networks and volumes as the engine reports them."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .. import names

# A mapping of a Compose file, as `docker compose config` normalises it.
Mapping = dict[str, t.Any]

# [registry[:port]/]name[:tag][@digest]; a colon before a slash belongs to a port (distribution/reference grammar).
_TAG = re.compile(r":(?P<tag>[\w][\w.-]{0,127})\Z")


# The engine's own values of a health check, in seconds (moby, daemon/health.go).
CHECK_INTERVAL, CHECK_TIMEOUT, CHECK_RETRIES = 30.0, 30.0, 3


@dataclass(frozen=True)
class HealthCheck:
    """The health check of a container: seconds until it has failed for good, and its last result."""

    seconds: float
    exit_code: int | None = None
    output: str = ""


def health_check_of(config: t.Mapping[str, t.Any], state: t.Mapping[str, t.Any]) -> HealthCheck | None:
    """Return the health check from ``Config`` and ``State`` of a container as the engine reports them; None without.

    The engine gives durations in nanoseconds, and 0 for its own values.
    """
    check = config.get("Healthcheck") or {}
    if not check.get("Test") or check["Test"][0] == "NONE":
        return None
    once = (check.get("Interval") or CHECK_INTERVAL * 1e9) + (check.get("Timeout") or CHECK_TIMEOUT * 1e9)
    seconds = ((check.get("StartPeriod") or 0) + (check.get("Retries") or CHECK_RETRIES) * once) / 1e9
    last = ((state.get("Health") or {}).get("Log") or [{}])[-1]
    return HealthCheck(seconds, last.get("ExitCode"), str(last.get("Output") or "").strip())


@dataclass(frozen=True)
class Container:
    """A container as the engine reports it."""

    id: str
    name: str
    state: str
    health: str | None
    restarts: int
    exit_code: int
    labels: t.Mapping[str, str]
    addresses: t.Mapping[str, str]
    image: str
    # The container's first process on the server; 0 while it does not run.
    pid: int = 0
    volumes: tuple[str, ...] = ()
    # The folder of the server for each mounted path of the container.
    mounts: t.Mapping[str, str] = field(default_factory=dict)
    check: HealthCheck | None = None
    # Whether a process in it was killed because it reached the memory limit, since its last start.
    oom_killed: bool = False

    def address_on(self, network: str) -> str:
        """Return the address on a network, or on any other one where it has none; empty while it does not run."""
        return self.addresses.get(network) or next(filter(None, self.addresses.values()), "")

    @property
    def running(self) -> bool:
        """Whether it runs and is not restarting."""
        return self.state == "running"

    def label(self, name: str) -> str:
        """Return a label of this collection, or an empty text."""
        return self.labels.get(names.LABEL + name, "")


@dataclass(frozen=True)
class LabelledResource:
    """A labelled network or volume; ``users`` are the containers that use it, running or not."""

    name: str
    labels: t.Mapping[str, str]
    users: tuple[str, ...]

    def label(self, name: str) -> str:
        """Return a label of this collection, or an empty text."""
        return self.labels.get(names.LABEL + name, "")


@dataclass(frozen=True)
class NetworkInUse:
    """A network of this server: its labels, its subnets, and whether it has no way out of it."""

    labels: t.Mapping[str, str] = field(default_factory=dict)
    subnets: tuple[str, ...] = ()
    internal: bool = False


@dataclass(frozen=True)
class ServerFacts:
    """What the engine reports of itself and its server: its data folder, its version, and the memory in bytes."""

    root: str
    version: str
    memory: int


@dataclass(frozen=True)
class Volume:
    """A volume of this server: its driver, the driver's options, its labels, and the folder with its content."""

    name: str
    driver: str
    options: t.Mapping[str, str]
    labels: t.Mapping[str, str]
    folder: str


@dataclass(frozen=True)
class Image:
    """An image of this server; ``digest`` is its name in a registry, ``user`` its numeric user, None if unknown.

    ``volumes`` are the paths that it declares as volumes.
    ``has_health_check`` is whether its containers have one that the Compose file does not need to name.
    """

    id: str
    digest: str | None
    user: int | None
    volumes: tuple[str, ...] = ()
    has_health_check: bool = False

    @property
    def pinned(self) -> str:
        """The name that identifies exactly this content."""
        return self.digest or self.id


@dataclass(frozen=True)
class LabelledImage:
    """A labelled image of this server with all of its names; a name has a tag."""

    id: str
    names: tuple[str, ...]
    labels: t.Mapping[str, str]

    def label(self, name: str) -> str:
        """Return a label of this collection, or an empty text."""
        return self.labels.get(names.LABEL + name, "")


@dataclass(frozen=True)
class RegistryError:
    """Why a registry does not give an image: ``missing``, ``denied`` or ``unreachable``, and the engine's own words."""

    kind: str
    text: str


def registry_error_of(status: int | None, text: str) -> RegistryError:
    """Return the kind of an answer of the engine's distribution API.

    The engine answers 500 for a registry that wants a login and got none, as for one that does not answer.
    """
    if status == 404:
        return RegistryError("missing", text)
    refused = status in (401, 403) or any(
        word in text for word in ("no basic auth credentials", "denied", "unauthorized")
    )
    return RegistryError("denied" if refused else "unreachable", text)


def tag_of(image: str) -> str:
    """Return the tag of an image's name; empty where it names none, or only a digest."""
    name = image.split("@", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]
    return name.partition(":")[2]


def repository_of(image: str) -> str:
    """Return the repository of an image name in the engine's short form.

    The engine shortens ``docker.io/library/redis`` to ``redis`` (distribution/reference, "familiar name").
    """
    repository = image.split("@")[0]
    head, separator, tail = repository.rpartition(":")
    repository = head if separator and "/" not in tail else repository
    for prefix in ("index.docker.io/", "docker.io/"):
        repository = repository[len(prefix) :] if repository.startswith(prefix) else repository
    official = "library/"
    return repository[len(official) :] if repository.startswith(official) else repository


def floating_tag_reason(image: str) -> str | None:
    """Return why an image name does not fix a version, or None: it has a digest, or a tag other than ``latest``."""
    if "@sha256:" in image:
        return None
    tag = _TAG.search(image)
    if not tag:
        return "has no tag"
    return "is tagged latest" if tag["tag"] == "latest" else None
