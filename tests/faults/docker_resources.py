"""The Docker resources of a project: their inspect data, their logs, and the files in them."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors


def belongs(name: str, labels: dict[str, str] | None, prefix: str) -> bool:
    """Whether a Docker resource is of a project, by its label or its name."""
    return (labels or {}).get("io.switchyard.project") == prefix or name.startswith((f"{prefix}-", f"{prefix}_"))


def as_text(answer: t.Any) -> bytes:
    """An answer of the Docker Engine as text to search in."""
    return answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()


@dataclass
class DockerResources:
    """The containers, their images, the networks and the volumes of a project."""

    client: docker.APIClient
    containers: dict[str, dict[str, t.Any]]
    networks: dict[str, dict[str, t.Any]]
    volumes: dict[str, dict[str, t.Any]]

    @classmethod
    def of(cls, prefix: str) -> DockerResources:
        """List the resources of a project."""
        client = docker.APIClient()

        def own(resources: list[dict[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
            return {entry["Name"]: entry for entry in resources if belongs(entry["Name"], entry["Labels"], prefix)}

        containers = [
            {**entry, "Name": entry["Names"][0].lstrip("/")} for entry in client.containers(all=True) if entry["Names"]
        ]
        return cls(client, own(containers), own(client.networks()), own(client.volumes()["Volumes"] or []))

    def texts(self) -> Iterator[tuple[str, str, bytes]]:
        """Kind and name of each resource, and its text."""
        for name, container in self.containers.items():
            yield "inspect", name, self._read(self.client.inspect_container, container["Id"])
            yield "log", name, self._read(self.client.logs, container["Id"])
        for name, resource in (*self.networks.items(), *self.volumes.items()):
            yield "inspect", name, as_text(resource)
        for image, name in {entry["ImageID"]: name for name, entry in self.containers.items()}.items():
            yield "inspect", f"the image of {name}", self._read(self.client.inspect_image, image)
            yield "history", f"the image of {name}", self._read(self.client.history, image)

    def folders(self) -> Iterator[tuple[str, Path]]:
        """The volumes, and the writable layers of the containers."""
        for name, volume in self.volumes.items():
            yield name, Path(volume["Mountpoint"])
        for name, container in self.containers.items():
            details = json.loads(self._read(self.client.inspect_container, container["Id"]) or b"{}")
            layer = details.get("GraphDriver", {}).get("Data", {}).get("UpperDir")
            if layer:
                yield name, Path(layer)

    @staticmethod
    def _read(request: Callable[[str], t.Any], name: str) -> bytes:
        """The answer of the Docker Engine; empty for a resource that was removed after it was listed."""
        try:
            return as_text(request(name))
        except docker.errors.NotFound:
            return b""
