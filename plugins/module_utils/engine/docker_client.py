# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release asks of the container engine of this server, through the Docker SDK."""

from __future__ import annotations

import contextlib
import typing as t

from .. import command, names
from ..errors import EngineError
from .connection_failure import connection_failure
from .container_details import ContainerDetails
from .models import (
    Container,
    Image,
    LabelledImage,
    LabelledResource,
    NetworkInUse,
    RegistryError,
    ServerFacts,
    health_check_of,
    registry_error_of,
    repository_of,
)
from .ownership import NOT_OURS, conflict

if t.TYPE_CHECKING:
    import docker

LOG_LINES = 20


class SubnetTaken(EngineError):
    """The engine refuses a subnet, because another network has an address of it."""


class Engine(ContainerDetails):
    """The engine that answers on this server."""

    def __init__(self) -> None:
        """Connect. Raises EngineError when the SDK is missing or no engine answers."""
        try:
            import docker as sdk
        except ImportError as error:
            raise EngineError("Python's Docker SDK is missing on this server.", hint="Run setup.yml.") from error
        self.sdk = sdk
        self._facts: ServerFacts | None = None
        try:
            self.client: docker.DockerClient = sdk.from_env(version="auto", timeout=120)
        except sdk.errors.DockerException as error:
            raise connection_failure(error) from error

    # --- reading ---

    def facts(self) -> ServerFacts:
        """Return what the engine reports of itself."""
        if not self._facts:
            info = self.client.info()
            self._facts = ServerFacts(info["DockerRootDir"], info["ServerVersion"], int(info["MemTotal"]))
        return self._facts

    def root(self) -> str:
        """Return the engine's data folder."""
        return self.facts().root

    def containers(self, **labels: str) -> list[Container]:
        """Return all containers, running or not, with these labels of this collection."""
        listed = self.client.api.containers(all=True, filters={"label": _label_filters(labels)})
        return [container for container in (self.container(item["Id"]) for item in listed) if container]

    def container(self, name: str) -> Container | None:
        """Return a container by name or id; None if it does not exist."""
        try:
            answer = self.client.api.inspect_container(name)
        except self.sdk.errors.NotFound:
            return None
        state = answer["State"]
        mounts = answer.get("Mounts") or []
        return Container(
            id=answer["Id"],
            name=answer["Name"].lstrip("/"),
            state=state["Status"],
            health=(state.get("Health") or {}).get("Status"),
            restarts=answer["RestartCount"],
            exit_code=state["ExitCode"],
            labels=answer["Config"]["Labels"] or {},
            addresses={name: network["IPAddress"] for name, network in answer["NetworkSettings"]["Networks"].items()},
            image=answer["Image"],
            pid=state["Pid"],
            volumes=tuple(mount["Name"] for mount in mounts if mount["Type"] == "volume"),
            mounts={mount["Destination"]: mount.get("Source", "") for mount in mounts},
            check=health_check_of(answer["Config"], state),
            oom_killed=bool(state.get("OOMKilled")),
        )

    def image(self, name: str) -> Image | None:
        """Return an image of this server; None if it does not exist."""
        try:
            answer = self.client.api.inspect_image(name)
        except self.sdk.errors.NotFound:
            return None
        digests = [digest for digest in answer.get("RepoDigests") or [] if repository_of(digest) == repository_of(name)]
        user = str(answer["Config"].get("User") or "0").split(":", maxsplit=1)[0]
        return Image(
            id=answer["Id"],
            digest=digests[0] if digests else None,
            user=int(user) if user.isdigit() else None,
            volumes=tuple(sorted(answer["Config"].get("Volumes") or {})),
            has_health_check=health_check_of(answer["Config"], {}) is not None,
        )

    def images_of(self, **labels: str) -> list[LabelledImage]:
        """Return the images with these labels of this collection."""
        listed = self.client.api.images(filters={"label": _label_filters(labels)})
        return [LabelledImage(item["Id"], tuple(item["RepoTags"] or ()), item["Labels"] or {}) for item in listed]

    def images_in_use(self) -> set[str]:
        """Return the ids and names of the images of all containers of this server, running or not."""
        return {item[key] for item in self.client.api.containers(all=True) for key in ("ImageID", "Image")}

    def registry_error(self, name: str, login: dict[str, str] | None = None) -> RegistryError | None:
        """Return why a registry does not give an image to this engine; None where it does."""
        try:
            self.client.api.inspect_distribution(name, login)
        except self.sdk.errors.APIError as error:
            return registry_error_of(error.status_code, str(error.explanation or error))
        return None

    def logs(self, name: str, lines: int = LOG_LINES, since: int | None = None, timestamps: bool = False) -> list[str]:
        """Return the last log lines of a container; none if it does not exist.

        ``since`` is in seconds since the epoch; with ``timestamps`` each line begins with its time.
        """
        with contextlib.suppress(self.sdk.errors.APIError):
            text: bytes = self.client.api.logs(
                name, stdout=True, stderr=True, tail=lines, since=since, timestamps=timestamps
            )
            return text.decode("utf-8", "replace").splitlines()
        return []

    def networks_in_use(self) -> dict[str, NetworkInUse]:
        """Return the labels and the subnets of all networks, by name."""
        return {
            item["Name"]: NetworkInUse(
                labels=item.get("Labels") or {},
                subnets=tuple(one["Subnet"] for one in (item.get("IPAM") or {}).get("Config") or () if "Subnet" in one),
                internal=bool(item.get("Internal")),
            )
            for item in self.client.api.networks()
        }

    def addresses_on(self, network: str) -> set[str]:
        """Return the addresses that containers have on a network, and those that stopped ones get there again."""
        found = set()
        for item in self.client.api.containers(all=True, filters={"network": network}):
            endpoint = item["NetworkSettings"]["Networks"].get(network) or {}
            found |= {endpoint.get("IPAddress"), (endpoint.get("IPAMConfig") or {}).get("IPv4Address")}
        return {address for address in found if address}

    def networks_of(self, **labels: str) -> list[LabelledResource]:
        """Return the networks with these labels of this collection."""
        return self._resources("network", self.client.api.networks(filters={"label": _label_filters(labels)}))

    def volumes_of(self, **labels: str) -> list[LabelledResource]:
        """Return the volumes with these labels of this collection."""
        answer = self.client.api.volumes(filters={"label": _label_filters(labels)})
        return self._resources("volume", answer["Volumes"] or [])

    def _resources(self, kind: str, listed: t.Iterable[dict[str, t.Any]]) -> list[LabelledResource]:
        return [
            LabelledResource(item["Name"], item["Labels"] or {}, self._users(kind, item["Name"])) for item in listed
        ]

    def _users(self, kind: str, name: str) -> tuple[str, ...]:
        listed = self.client.api.containers(all=True, filters={kind: name})
        return tuple(sorted(item["Names"][0].lstrip("/") for item in listed))

    def containers_publishing(self, port: int) -> dict[str, set[str]]:
        """Return the addresses on which containers publish a TCP port of this server, by container."""
        addresses: dict[str, set[str]] = {}
        for item in self.client.api.containers():
            for binding in item["Ports"]:
                if binding.get("PublicPort") == port and binding.get("Type") == "tcp":
                    addresses.setdefault(item["Names"][0].lstrip("/"), set()).add(binding["IP"])
        return addresses

    def has_volume(self, name: str) -> bool:
        """Return whether a volume exists."""
        return self.volume(name) is not None

    def users_of_volume(self, name: str) -> list[Container]:
        """Return the containers that use a volume, running or not."""
        return [one for one in map(self.container, self._users("volume", name)) if one]

    def names_in_use(self) -> dict[tuple[str, str], dict[str, str]]:
        """Return the labels of every container, network and volume of this server, by its kind and name."""
        containers = self.client.api.containers(all=True)
        listed = {
            "container": [(name.lstrip("/"), item) for item in containers for name in item["Names"]],
            "network": [(item["Name"], item) for item in self.client.api.networks()],
            "volume": [(item["Name"], item) for item in self.client.api.volumes()["Volumes"] or []],
        }
        return {(kind, name): item["Labels"] or {} for kind, found in listed.items() for name, item in found}

    def version(self) -> str:
        """Return the version of the engine, such as ``28.5.1``."""
        return str(self.client.version()["Version"])

    # --- changing ---

    def platform(self) -> str:
        """Return the platform of this server's images, such as ``linux/amd64``."""
        version = self.client.version()
        return f"{version['Os']}/{version['Arch']}"

    def load_images(self, archive: t.IO[bytes]) -> None:
        """Load images from an archive that ``docker save`` has written. Raises EngineError."""
        try:
            self.client.images.load(archive)
        except (self.sdk.errors.APIError, self.sdk.errors.ImageLoadError) as error:
            raise EngineError(f"The images that the controller has built cannot be loaded: {error}") from error

    def pull(self, name: str, login: dict[str, str] | None = None) -> Image:
        """Pull an image; ``login`` has a username and a password. Raises EngineError with the registry's message."""
        try:
            # A name with a digest or a fixed tag pulls one image, never all tags.
            self.client.api.pull(name, auth_config=login)
        except self.sdk.errors.APIError as error:
            raise EngineError(f"The image {name} cannot be pulled: {error.explanation or error}") from error
        image = self.image(name)
        if not image:
            raise EngineError(f"The image {name} was pulled but is not on this server.")
        return image

    def create_network(self, name: str, internal: bool, labels: dict[str, str], subnet: str | None = None) -> None:
        """Create a network, with a subnet of Docker's own pools if none is given. Raises EngineError, SubnetTaken."""
        types = self.sdk.types
        ipam = types.IPAMConfig(pool_configs=[types.IPAMPool(subnet=subnet)]) if subnet else None
        try:
            self.client.api.create_network(
                name, driver="bridge", ipam=ipam, internal=internal, labels=labels, check_duplicate=True
            )
        except self.sdk.errors.APIError as error:
            text = f"The network {name} cannot be created: {error.explanation or error}"
            raise (SubnetTaken if "overlaps" in text else EngineError)(text) from error

    def remove_image(self, name: str) -> bool:
        """Remove a name of an image, and the image with its last name; return False where the engine refuses it."""
        try:
            # Images without a name that it was built from may be a user's.
            self.client.api.remove_image(name, noprune=True)
        except self.sdk.errors.APIError:
            return False
        return True

    def ensure_volume(self, name: str, driver: str, options: dict[str, str], labels: dict[str, str]) -> bool:
        """Create a volume unless it exists; return whether it was created. Raises EngineError for one of others."""
        try:
            present = self.client.api.inspect_volume(name)
        except self.sdk.errors.NotFound:
            self.client.api.create_volume(name, driver=driver, driver_opts=options, labels=labels)
            return True
        refused = conflict("volume", name, present.get("Labels") or {}, names.owner(labels))
        if refused:
            raise EngineError(f"The release does not use {refused.removeprefix('the ')}.", hint=NOT_OURS)
        return False

    def remove(self, containers: t.Iterable[Container], timeout: int | None = None, volumes: bool = False) -> list[str]:
        """Stop containers at the same time, each with its own stop signal, and remove them; return their names.

        ``timeout`` in seconds replaces each container's own grace period. ``volumes``: those without a name are removed
        with their container.
        """
        selected = list(containers)
        if not selected:
            return []
        # One command stops all of them in parallel.
        limit = [] if timeout is None else ["--time", str(timeout)]
        for args in (["stop", *limit], ["rm", "--force", *(["--volumes"] if volumes else [])]):
            try:
                docker_command(*args, "--", *(container.id for container in selected))
            except command.CommandError as error:
                if not are_already_removed(error.output):
                    raise
        return sorted(container.name for container in selected)

    def connect(self, network: str, container: str) -> None:
        """Connect a container to a network; it keeps running, and its connections stay."""
        docker_command("network", "connect", "--", network, container)

    def disconnect(self, network: str, container: str) -> None:
        """Disconnect a container from a network; it keeps running."""
        docker_command("network", "disconnect", "--", network, container)

    def remove_resource(self, kind: str, name: str) -> None:
        """Remove a ``network`` or ``volume`` that is not in use."""
        docker_command(kind, "rm", "--", name)

    def start_container(self, name: str) -> None:
        """Start a container that was created or has stopped."""
        docker_command("start", "--", name)

    def rename(self, name: str, new: str) -> None:
        """Rename a container; it keeps running."""
        docker_command("rename", "--", name, new)

    def stop(self, containers: t.Iterable[Container]) -> None:
        """Stop containers at the same time, each with its own stop signal; they can be started again."""
        ids = [container.id for container in containers]
        if ids:
            docker_command("stop", "--", *ids)

    def exec(self, name: str, args: list[str]) -> tuple[int, str]:
        """Run a command in a running container; return its exit code and everything it wrote."""
        result = self.client.containers.get(name).exec_run(args)
        return int(result.exit_code or 0), result.output.decode("utf-8", "replace").strip()


def are_already_removed(stderr: str) -> bool:
    """Return whether all errors of the Docker client are about containers that are removed or being removed."""
    lines = [line for line in stderr.splitlines() if "Error" in line]
    return bool(lines) and all("No such container" in line or "is already in progress" in line for line in lines)


def _label_filters(labels: t.Mapping[str, str]) -> list[str]:
    return [f"{names.LABEL}{name}={value}" for name, value in labels.items()]


def docker_command(*args: str, timeout: float = 600) -> str:
    """Run the Docker client; return its output. Raises CommandError."""
    return command.run(["docker", *args], name=f"docker {args[0]}", timeout=timeout).stdout
