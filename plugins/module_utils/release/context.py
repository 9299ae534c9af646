# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server and the stack that a release works on: files, engine, proxy, containers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .. import names, paths, progress
from ..engine import compose_cli
from ..engine.docker_client import Engine
from ..engine.models import Container, Image, LabelledResource
from ..engine.registry_login import RegistryLogin, login_for
from ..errors import EngineError
from ..proxy.driver import Proxy
from ..proxy.registry import open_proxy
from .gates.probe import ColorTarget
from .lock import ReleaseLock
from .record import Record, Records
from .routes import routes_of_stack

# What the error of an image adds: images are there before anything of the live version changes.
STILL_LIVE = "Users still have the version that was live before."


@dataclass(frozen=True)
class HostContext:
    """This server as one environment of a project sees it: its folder, its engine, its proxy, and logins for images."""

    root: Path
    project: str
    environment: str
    logins: tuple[RegistryLogin, ...] = ()

    @cached_property
    def engine(self) -> Engine:
        """The engine of this server."""
        return Engine()

    @cached_property
    def proxy(self) -> Proxy:
        """The proxy of this server."""
        return open_proxy(self.root, self.engine)

    def stack(self, stack: str) -> StackContext:
        """Return the context of a stack."""
        return StackContext(self, stack)

    def free_bytes(self) -> dict[str, int]:
        """Return the free bytes where images, releases and backups are kept, by the folder: once per file system."""
        own = [self.root, paths.backups_folder(self.root, self.project, self.environment)]
        existing = {next(one for one in (path, *path.parents) if one.exists()) for path in own}
        # The engine may run on another machine.
        images = Path(self.engine.root())
        existing |= {images} if images.exists() else set()
        # One file system is one problem.
        by_device = {path.stat().st_dev: path for path in sorted(existing, reverse=True)}
        return {str(path): shutil.disk_usage(path).free for path in sorted(by_device.values())}


@dataclass(frozen=True)
class StackContext:
    """One stack on a server."""

    host: HostContext
    stack: str

    @property
    def engine(self) -> Engine:
        """The engine of the server."""
        return self.host.engine

    @property
    def proxy(self) -> Proxy:
        """The proxy of the server."""
        return self.host.proxy

    @property
    def project(self) -> str:
        """The project that owns the stack."""
        return self.host.project

    @property
    def environment(self) -> str:
        """The environment the stack is part of."""
        return self.host.environment

    @property
    def folder(self) -> Path:
        """The folder of the stack."""
        return paths.stack_folder(self.host.root, self.project, self.environment, self.stack)

    @property
    def key(self) -> str:
        """The name under which the proxy knows the stack."""
        return names.stack_key(self.project, self.stack, self.environment)

    @property
    def records(self) -> Records:
        """The releases of the stack."""
        return Records(self.folder)

    @property
    def lock(self) -> ReleaseLock:
        """The lock of the stack."""
        return ReleaseLock(self.folder, f"{self.stack} ({self.environment})")

    def pull(self, name: str) -> Image:
        """Pull an image, with the login of its registry. Raises EngineError with the registry's message."""
        try:
            with progress.report_progress(self.folder, "pull", detail=lambda: name):
                return self.engine.pull(name, login_for(name, self.host.logins))
        except EngineError as error:
            raise EngineError(error.message, hint=error.hint or STILL_LIVE) from error

    def containers(self, **labels: str) -> list[Container]:
        """Return the containers of this stack, all of them or those with these labels too."""
        own = {"project": self.project, "environment": self.environment, "stack": self.stack}
        return self.engine.containers(**own, **labels)

    def volumes(self) -> list[LabelledResource]:
        """Return the volumes of this stack."""
        return self.engine.volumes_of(project=self.project, environment=self.environment, stack=self.stack)

    def owns(self, container: Container) -> bool:
        """Return whether a container belongs to this stack, in this environment and project."""
        own = {"project": self.project, "environment": self.environment, "stack": self.stack}
        return all(container.label(name) == value for name, value in own.items())

    def live(self) -> str | None:
        """Return the live color of the running proxy, or None."""
        return self.proxy.read().live.get(self.key)

    def release_on(self, color: str | None) -> int | None:
        """Return the number of the release whose containers a color has, or None."""
        return newest_release(self.containers(color=color)) if color else None

    def target(self, record: Record) -> ColorTarget:
        """Return the color of a release, as the gates probe it."""
        routing = routes_of_stack(record.stack, self.project, self.environment, record.replicas, record.ports)
        network = names.front(self.project, self.stack, self.environment)
        return ColorTarget(routing, record.color, network, record.containers)

    def compose_project(self, part: str) -> str:
        """Return the name of the Compose project of a part."""
        return names.compose_project(self.project, self.stack, self.environment, part)

    def compose_up(self, record: Record, part: str, timeout: float = compose_cli.UP_TIMEOUT) -> None:
        """Start a part of a release from the Compose file in its own folder; ``timeout`` is seconds."""
        file = paths.compose_file(self.records.path(record.number), part)
        compose_cli.up(self.compose_project(part), file, timeout)


def newest_release(containers: Iterable[Container]) -> int | None:
    """Return the number of the newest release that has one of the containers, or None."""
    return max((int(container.label("release") or 0) for container in containers), default=0) or None
