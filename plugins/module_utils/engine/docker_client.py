# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release asks of the container engine of this server, through the Docker SDK."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from .. import command, names
from ..errors import EngineError
from .models import Container, Image, LabelledResource, repository_of

if t.TYPE_CHECKING:
    import docker

LOG_LINES = 20


class Engine:
    """The engine that answers on this server."""

    def __init__(self) -> None:
        """Connect. Raises EngineError when the SDK is missing or no engine answers."""
        try:
            import docker as sdk
        except ImportError as error:
            raise EngineError("Python's Docker SDK is missing on this server.", hint="Run setup.yml.") from error
        self.sdk = sdk
        try:
            self.client: docker.DockerClient = sdk.from_env(version="auto", timeout=120)
        except sdk.errors.DockerException as error:
            raise EngineError(
                f"No container engine answers on this server ({error}).", hint="Run setup.yml."
            ) from error

    # --- looking ---

    def root(self) -> str:
        """Return the folder in which the engine keeps its data."""
        return str(self.client.info()["DockerRootDir"])

    def containers(self, **labels: str) -> list[Container]:
        """Return all containers, running or not, that carry these labels of ours."""
        found = self.client.api.containers(all=True, filters={"label": _wanted(labels)})
        return [container for container in (self.container(item["Id"]) for item in found) if container]

    def container(self, name: str) -> Container | None:
        """Return one container by name or id, or None."""
        try:
            seen = self.client.api.inspect_container(name)
        except self.sdk.errors.NotFound:
            return None
        state = seen["State"]
        return Container(
            id=seen["Id"],
            name=seen["Name"].lstrip("/"),
            state=state["Status"],
            health=(state.get("Health") or {}).get("Status"),
            restarts=seen["RestartCount"],
            exit_code=state["ExitCode"],
            labels=seen["Config"]["Labels"] or {},
            addresses={name: net["IPAddress"] for name, net in seen["NetworkSettings"]["Networks"].items()},
            image=seen["Image"],
            pid=state["Pid"],
            volumes=tuple(mount["Name"] for mount in seen.get("Mounts") or [] if mount["Type"] == "volume"),
            mounts={mount["Destination"]: mount["Source"] for mount in seen.get("Mounts") or []},
        )

    def mounts(self, name: str) -> list[dict[str, str]]:
        """Return what is mounted into a container: the folder on this server, and where it is in the container."""
        seen = self.client.api.inspect_container(name)["Mounts"]
        return [{"source": mount.get("Source", ""), "target": mount["Destination"]} for mount in seen]

    def image(self, name: str) -> Image | None:
        """Return an image that is on this server, or None."""
        try:
            seen = self.client.api.inspect_image(name)
        except self.sdk.errors.NotFound:
            return None
        digests = [digest for digest in seen.get("RepoDigests") or [] if repository_of(digest) == repository_of(name)]
        user = str(seen["Config"].get("User") or "0").split(":", maxsplit=1)[0]
        return Image(id=seen["Id"], digest=digests[0] if digests else None, user=int(user) if user.isdigit() else None)

    def logs(self, name: str, lines: int = LOG_LINES) -> list[str]:
        """Return the last lines that a container wrote."""
        with contextlib.suppress(self.sdk.errors.APIError):
            text: bytes = self.client.api.logs(name, stdout=True, stderr=True, tail=lines)
            return text.decode("utf-8", "replace").splitlines()
        return []

    def networks(self) -> set[str]:
        """Return the names of all networks."""
        return {network["Name"] for network in self.client.api.networks()}

    def networks_of(self, **labels: str) -> list[LabelledResource]:
        """Return the networks that carry these labels of ours."""
        found = self.client.api.networks(filters={"label": _wanted(labels)})
        return [
            LabelledResource(one["Name"], one["Labels"] or {}, self._users("network", one["Name"])) for one in found
        ]

    def volumes_of(self, **labels: str) -> list[LabelledResource]:
        """Return the volumes that carry these labels of ours."""
        found = self.client.api.volumes(filters={"label": _wanted(labels)})["Volumes"] or []
        return [LabelledResource(one["Name"], one["Labels"] or {}, self._users("volume", one["Name"])) for one in found]

    def _users(self, kind: str, name: str) -> tuple[str, ...]:
        found = self.client.api.containers(all=True, filters={kind: name})
        return tuple(sorted(one["Names"][0].lstrip("/") for one in found))

    def containers_publishing(self, port: int) -> dict[str, set[str]]:
        """Return the containers that publish a port of this server, and on which addresses."""
        found: dict[str, set[str]] = {}
        for one in self.client.api.containers():
            for binding in one["Ports"]:
                if binding.get("PublicPort") == port and binding.get("Type") == "tcp":
                    found.setdefault(one["Names"][0].lstrip("/"), set()).add(binding["IP"])
        return found

    def published_network(self, name: str, proc: Path = Path("/proc")) -> str | None:
        """Return the network through which the published ports of a container lead; None where it publishes none.

        It is the one with the default route (libnetwork gives ports to the endpoint that has the gateway).
        """
        try:
            seen = self.client.api.inspect_container(name)
        except self.sdk.errors.NotFound:
            return None
        if not seen["State"]["Pid"] or not seen["HostConfig"].get("PortBindings"):
            return None
        rows = [line.split() for line in (proc / str(seen["State"]["Pid"]) / "net/route").read_text().splitlines()[1:]]
        # The kernel writes addresses in the order of a little-endian machine, in hexadecimal.
        gateways = {".".join(str(byte) for byte in bytes.fromhex(row[2])[::-1]) for row in rows if int(row[1], 16) == 0}
        networks = seen["NetworkSettings"]["Networks"].items()
        return next((name for name, network in networks if network["Gateway"] in gateways), None)

    def owning_stack(self, kind: str, name: str) -> str | None:
        """Return the stack that made a ``network`` or ``volume``; None where there is none, or nobody's label on it."""
        inspect = self.client.api.inspect_network if kind == "network" else self.client.api.inspect_volume
        try:
            labels: dict[str, str] = inspect(name).get("Labels") or {}
        except self.sdk.errors.NotFound:
            return None
        return labels.get(f"{names.LABEL}stack")

    # --- changing ---

    def pull(self, name: str) -> Image:
        """Bring an image here. Raises EngineError with the registry's message."""
        try:
            # An image name with a digest or a fixed tag is pulled as it stands, never "all tags".
            self.client.api.pull(name)
        except self.sdk.errors.APIError as error:
            raise EngineError(f"The image {name} cannot be pulled: {error.explanation or error}") from error
        image = self.image(name)
        if not image:
            raise EngineError(f"The image {name} was pulled but is not on this server.")
        return image

    def ensure_network(self, name: str, internal: bool, labels: dict[str, str]) -> bool:
        """Make a network unless it stands; return whether it was made."""
        if name in self.networks():
            return False
        self.client.api.create_network(name, driver="bridge", internal=internal, labels=labels, check_duplicate=True)
        return True

    def ensure_volume(self, name: str, driver: str, options: dict[str, str], labels: dict[str, str]) -> bool:
        """Make a volume unless it stands; return whether it was made."""
        try:
            self.client.api.inspect_volume(name)
            return False
        except self.sdk.errors.NotFound:
            self.client.api.create_volume(name, driver=driver, driver_opts=options, labels=labels)
            return True

    def remove(self, containers: t.Iterable[Container], timeout: int | None = None) -> list[str]:
        """Stop containers as they ask to be stopped, all at once, and remove them; return their names.

        ``timeout`` in seconds replaces each container's own grace period.
        """
        chosen = list(containers)
        if not chosen:
            return []
        # One command stops them side by side and waits with each container's own stop signal and grace period.
        limit = [] if timeout is None else ["--time", str(timeout)]
        for words in (["stop", *limit], ["rm", "--force"]):
            try:
                docker_command(*words, "--", *(container.id for container in chosen))
            except command.CommandError as error:
                if not only_gone(error.output):
                    raise
        return sorted(container.name for container in chosen)

    def disconnect(self, network: str, container: str) -> None:
        """Take a container off a network; it runs on."""
        docker_command("network", "disconnect", "--", network, container)

    def remove_resource(self, kind: str, name: str) -> None:
        """Remove a ``network`` or ``volume`` that nobody uses."""
        docker_command(kind, "rm", "--", name)

    def start_container(self, name: str) -> None:
        """Start a container that was made and never ran, or ended."""
        docker_command("start", "--", name)

    def rename(self, name: str, new: str) -> None:
        """Give a container another name; it runs on."""
        docker_command("rename", "--", name, new)

    def stop(self, containers: t.Iterable[Container]) -> None:
        """Stop containers as they ask to be stopped, all at once; they stay, and can be started again."""
        chosen = [container.id for container in containers]
        if chosen:
            docker_command("stop", "--", *chosen)

    def exec(self, name: str, args: list[str]) -> tuple[int, str]:
        """Run a command in a running container; return its exit code and everything it wrote."""
        result = self.client.containers.get(name).exec_run(args)
        return int(result.exit_code or 0), result.output.decode("utf-8", "replace").strip()


def only_gone(said: str) -> bool:
    """Return whether all that Docker complains of is that containers are gone, or go by themselves (``run --rm``)."""
    lines = [line for line in said.splitlines() if "Error" in line]
    return bool(lines) and all("No such container" in line or "is already in progress" in line for line in lines)


def _wanted(labels: t.Mapping[str, str]) -> list[str]:
    return [f"{names.LABEL}{name}={value}" for name, value in labels.items()]


def docker_command(*args: str, timeout: float = 600) -> str:
    """Run the Docker client; return its output. Raises CommandError."""
    return command.run(["docker", *args], name=f"docker {args[0]}", timeout=timeout).stdout
