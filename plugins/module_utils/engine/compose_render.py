# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one normalised Compose file to the projects of a release. Pure: no Docker, no files.

A release has a project per color, one for the workers, one for the accessories and one for the one-off jobs.
In each of them a service is called by its container's name, which is unique on the server: Compose makes the service's
name an alias on every network. ``host_names.py`` has how services find each other by the names of the file.
"""

from __future__ import annotations

import copy
import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from .. import names
from ..config.stack import Stack
from . import compose_volumes
from .compose_digests import with_digests
from .compose_jobs import as_job
from .compose_networks import Networks
from .compose_roles import is_never_restarted, replicas_of, roles_of
from .container_limits import limited
from .host_ports import ADDRESS
from .models import Mapping

# What the release decides by itself, so that what the file says of it is left out.
DROPPED = ("build", "container_name", "ports", "profiles", "links", "depends_on", "networks", "scale")

# The families of labels that are left out, each with the reason. A Traefik on the server would route requests to both
# colors, past the proxy.
DROPPED_LABELS = {
    "traefik.": "only the proxy may route requests",
    names.LABEL: "only releases set labels of this family",
}


@dataclass(frozen=True)
class Release:
    """What a release adds to the files: whose it is, its number, the paths of its secrets and its pinned images.

    ``ports`` are those of the server on which a color's services are published, where the proxy needs them. The workers
    and the jobs reach the services of ``color``.
    """

    project: str
    environment: str
    number: int = 0
    secrets: t.Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    images: t.Mapping[str, str] = field(default_factory=dict)
    ports: t.Mapping[str, t.Mapping[str, t.Sequence[int]]] = field(default_factory=dict)
    color: str = names.COLORS[0]


@dataclass(frozen=True)
class Rendered:
    """The Compose projects of a release, and what must be there before them."""

    colors: dict[str, Mapping]
    workers: Mapping
    accessories: Mapping
    jobs: Mapping
    networks: dict[str, Mapping]
    volumes: dict[str, Mapping]

    def fingerprint(self) -> str:
        """Return a short digest of everything a release would run, whichever its color and number."""
        content = [self.colors, self.workers, self.accessories, self.jobs]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def kept_labels(service: Mapping) -> dict[str, str]:
    """Return the labels of a service that its containers get."""
    labels = service.get("labels") or {}
    return {name: value for name, value in labels.items() if not name.startswith(tuple(DROPPED_LABELS))}


def render(normalised: Mapping, stack: Stack, release: Release) -> Rendered:
    """Return the projects of a release from the normalised files, a checked stack and the release's own data."""
    make = _Projects(normalised, stack, release, roles_of(normalised, stack))
    return Rendered(
        colors={color: make.project(color, ("routed", "inner"), color) for color in names.COLORS},
        workers=make.project("workers", ("worker",)),
        accessories=with_digests(make.project("accessories", ("accessory",))),
        jobs=make.jobs(),
        networks=make.networks.created(),
        volumes=compose_volumes.created(normalised, release.project, stack.name, release.environment),
    )


def networks_created(normalised: Mapping, stack: Stack, project: str, environment: str) -> dict[str, Mapping]:
    """Return the networks that a release creates, by name, as ``Networks.created`` does."""
    return Networks(normalised, stack, project, environment, roles_of(normalised, stack)).created()


def resources_created(normalised: Mapping, stack: Stack, project: str, environment: str) -> list[tuple[str, str]]:
    """Return the containers, networks and volumes that a release creates, each as kind and name."""
    roles = roles_of(normalised, stack)
    created = {
        "container": [
            names.container(project, stack.name, service, environment, color)
            for service, role in roles.items()
            for color in (names.COLORS if role in ("routed", "inner") else (None,))
        ],
        "network": networks_created(normalised, stack, project, environment),
        "volume": compose_volumes.created(normalised, project, stack.name, environment),
    }
    return [(kind, name) for kind, found in created.items() for name in found]


@dataclass(frozen=True)
class _Projects:
    """Makes the projects of one release; every method returns new mappings."""

    normalised: Mapping
    stack: Stack
    release: Release
    roles: dict[str, str]

    @property
    def networks(self) -> Networks:
        """The networks of the file."""
        return Networks(self.normalised, self.stack, self.release.project, self.release.environment, self.roles)

    def project(self, part: str, roles: tuple[str, ...], color: str | None = None) -> Mapping:
        """Return the project of a part: the services of these roles and what they refer to."""
        chosen = [name for name, role in self.roles.items() if role in roles]
        services = {self.container(name, color): self.service(name, chosen, color) for name in chosen}
        return self.whole(part, services)

    def jobs(self) -> Mapping:
        """Return the project of what runs once: the one-shots, and the jobs of the stack."""
        chosen = [name for name, role in self.roles.items() if role == "one-shot"]
        chosen += [job.service for job in self.stack.jobs]
        services = {name: as_job(self.service(name, [], None), self.networks.front) for name in dict.fromkeys(chosen)}
        return self.whole("jobs", services)

    def whole(self, part: str, services: Mapping) -> Mapping:
        """Return a project with the networks, volumes, secrets and configs that its services name."""
        if not services:
            return {}
        networks = {name for service in services.values() for name in service.get("networks", ())}
        volumes = compose_volumes.server_names(
            self.normalised, self.release.project, self.stack.name, self.release.environment
        )
        mounted = {
            mount["source"]
            for service in services.values()
            for mount in service.get("volumes", [])
            if mount.get("type") == "volume" and mount.get("source") in volumes
        }
        whole: Mapping = {
            "name": names.compose_project(self.release.project, self.stack.name, self.release.environment, part),
            "services": services,
            "networks": {name: self.external(name) for name in sorted(networks)},
            "volumes": {name: self.external(volumes[name]) for name in sorted(mounted)},
        }
        for kind in ("secrets", "configs"):
            used = {item["source"] for service in services.values() for item in service.get(kind, [])}
            whole[kind] = {name: self.file_of(kind, name) for name in sorted(used)}
        return {key: value for key, value in whole.items() if value}

    def service(self, name: str, neighbours: list[str], color: str | None) -> Mapping:
        """Return one service as the release runs it."""
        role = self.roles[name]
        given = self.normalised["services"][name]
        service = copy.deepcopy({key: value for key, value in given.items() if key not in DROPPED})
        service["image"] = self.release.images.get(given["image"], given["image"])
        service["pull_policy"] = "never"
        for mount in service.get("volumes") or ():
            if mount.get("type") == "image":
                mount["source"] = self.release.images.get(mount["source"], mount["source"])
        service.setdefault("restart", "no" if is_never_restarted(given) else "unless-stopped")
        service.update(limited(given))
        if replicas_of(self.normalised, name) == 1:
            service["container_name"] = self.container(name, color)
        elif given.get("scale") is not None:
            service["deploy"] = {**service.get("deploy", {}), "replicas": given["scale"]}
        joined = self.networks.of_service(name, color)
        if joined:
            service["networks"] = joined
            links = self.networks.host_names.links(name, color or self.release.color)
            if links:
                service["external_links"] = [*given.get("external_links", []), *links]
        service["labels"] = {**kept_labels(given), **self.labels(name, role, color)}
        waits = {
            self.container(other, color): condition
            for other, condition in given.get("depends_on", {}).items()
            if other in neighbours
        }
        if waits:
            service["depends_on"] = waits
        published = self.release.ports.get(color or "", {}).get(name)
        if published:
            inside = next(route.port for route in reversed(self.stack.routes) if route.service == name)
            row = str(published[0]) if len(published) == 1 else f"{published[0]}-{published[-1]}"
            service["ports"] = [{"target": inside, "published": row, "host_ip": ADDRESS, "protocol": "tcp"}]
        if color:
            service["environment"] = {**given.get("environment", {}), "SWITCHYARD_COLOR": color}
        # Docker's DNS answers to it in all networks of the container. Both colors, and other stacks, share some.
        if "hostname" in service and color:
            del service["hostname"]
        elif "hostname" in service and not self.networks.is_own(name):
            service["hostname"] = self.container(name, color)
        return service

    def labels(self, name: str, role: str, color: str | None) -> dict[str, str]:
        """Return our labels. An accessory outlives releases, so that it carries nothing of a release."""
        release, fingerprint = self.release.number, self.release.fingerprint
        return names.labels(
            project=self.release.project,
            environment=self.release.environment,
            stack=self.stack.name,
            service=name,
            role=role,
            color=color,
            release=None if role == "accessory" else release or None,
            fingerprint=None if role == "accessory" else fingerprint,
        )

    def container(self, name: str, color: str | None) -> str:
        """Return the name of a service's container."""
        return names.container(self.release.project, self.stack.name, name, self.release.environment, color)

    def file_of(self, kind: str, name: str) -> Mapping:
        """Return where a secret or config comes from."""
        if kind == "secrets":
            # A secret without a value is a problem of its own.
            return {"file": self.release.secrets.get(name, "")}
        given: Mapping = self.normalised[kind][name]
        return {key: value for key, value in given.items() if key != "name"}

    @staticmethod
    def external(name: str) -> Mapping:
        """Return the reference to something that exists already."""
        return {"name": name, "external": True}
