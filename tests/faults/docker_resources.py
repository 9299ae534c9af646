"""What stands on the Docker Engine of a project: what Docker tells of it, what it logged, and the files in it."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker_api


def belongs(name: str, labels: dict[str, str] | None, prefix: str) -> bool:
    """Whether something on the Docker Engine is of a project."""
    return (labels or {}).get("io.switchyard.project") == prefix or name.startswith((f"{prefix}-", f"{prefix}_"))


@dataclass
class DockerResources:
    """The containers, their images, the networks and the volumes of a project."""

    containers: dict[str, dict[str, t.Any]]
    networks: dict[str, dict[str, t.Any]]
    volumes: dict[str, dict[str, t.Any]]

    @classmethod
    def of(cls, prefix: str) -> DockerResources:
        """Look what there is."""
        listed = docker_api.asked("/containers/json", all=1)
        named = {one["Names"][0].lstrip("/"): one for one in listed if one["Names"]}
        return cls(
            {name: one for name, one in named.items() if belongs(name, one["Labels"], prefix)},
            {one["Name"]: one for one in docker_api.asked("/networks") if belongs(one["Name"], one["Labels"], prefix)},
            {
                one["Name"]: one
                for one in docker_api.asked("/volumes")["Volumes"] or []
                if belongs(one["Name"], one["Labels"], prefix)
            },
        )

    def texts(self) -> Iterator[tuple[str, str, bytes]]:
        """Return kind and name of each thing, and what there is to read of it."""
        for name, one in self.containers.items():
            yield "inspect", name, docker_api.read(f"/containers/{one['Id']}/json")
            yield "log", name, docker_api.read(f"/containers/{one['Id']}/logs", stdout=1, stderr=1)
        for name, one in (*self.networks.items(), *self.volumes.items()):
            yield "inspect", name, json.dumps(one).encode()
        for image, name in {one["ImageID"]: name for name, one in self.containers.items()}.items():
            yield "inspect", f"the image of {name}", docker_api.read(f"/images/{image}/json")
            yield "history", f"the image of {name}", docker_api.read(f"/images/{image}/history")

    def folders(self) -> Iterator[tuple[str, Path]]:
        """Return the volumes, and what the containers wrote into their own file systems."""
        for name, one in self.volumes.items():
            yield name, Path(one["Mountpoint"])
        for name, one in self.containers.items():
            details = docker_api.asked(f"/containers/{one['Id']}/json")
            # One that was removed meanwhile has none.
            written = details.get("GraphDriver", {}).get("Data", {}).get("UpperDir")
            if written:
                yield name, Path(written)
