# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan of this server: everything that an environment has on it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, names, paths, progress
from ..config import server_state
from ..engine.models import Container, LabelledResource
from ..errors import SwitchyardError
from ..release.context import HostContext
from ..release.record import Record

LOCKS = (paths.LOCK, paths.LOCK_GUARD)


@dataclass(frozen=True)
class EnvironmentScan:
    """What an environment has on this server, and what it shares with other environments of its project.

    ``routes`` are the hosts and paths that the proxy knows, per stack; ``pages`` and ``folders`` are paths per stack.
    ``shared`` are the project's containers that belong to no environment, by name. ``others`` are the project's other
    environments on this server. ``records`` are the newest, per stack. ``redis_folder`` is that of the environment's
    own Redis. ``server_parts`` are the shared parts of the server that it uses. ``unit`` is the systemd unit of a proxy
    that runs on the server itself. ``proxy_error`` is why the proxy does not answer.
    """

    environment: str
    containers: tuple[Container, ...] = ()
    networks: tuple[LabelledResource, ...] = ()
    volumes: tuple[LabelledResource, ...] = ()
    routes: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pages: t.Mapping[str, Path] = field(default_factory=dict)
    folders: t.Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    shared: t.Mapping[str, Container] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    records: t.Mapping[str, Record] = field(default_factory=dict)
    proxy_folder: Path | None = None
    redis_folder: Path | None = None
    server_parts: tuple[str, ...] = ()
    unit: str | None = None
    proxy_error: str | None = None

    @property
    def stacks(self) -> list[str]:
        """The stacks that have anything on this server, sorted."""
        resources: list[Container | LabelledResource] = [*self.containers, *self.networks, *self.volumes]
        labelled = {
            resource.label("stack") for resource in resources if resource.label("environment") == self.environment
        }
        return sorted({*self.routes, *self.pages, *self.folders, *labelled} - {""})


def is_ours(path: Path) -> bool:
    """Return whether releases made a path in a stack's folder; everything else there is data of the stack."""
    named = (paths.RELEASES, paths.CONTENT, paths.SECRETS, *LOCKS)
    return path.name in named or path.name.endswith(progress.NAME)


def scan(host: HostContext) -> EnvironmentScan:
    """Return what an environment has on this server now."""
    engine, project, environment = host.engine, host.project, host.environment
    containers = engine.containers(project=project)
    shared = {container.name: container for container in containers if not container.label("environment")}
    proxy = next((container for container in shared.values() if container.label("role") == "proxy"), None)
    folder = paths.proxy_folder(host.root)
    routes: dict[str, tuple[str, ...]] = {}
    others = {container.label("environment") for container in containers}
    proxy_error = None
    if proxy or paths.proxy_settings(host.root).exists():
        try:
            state = host.proxy.read()
        except SwitchyardError as error:
            proxy_error = str(error)
        else:
            for key in sorted(state.known_stacks()):
                stack = names.stack_of_key(key, project, environment)
                if stack:
                    routes[stack] = tuple(sorted({route for owner, _color, route in state.routes if owner == key}))
                elif key.startswith(f"{project}."):
                    others.add(key.split(".")[-1])
    others |= paths.environments(host.root, project)
    redis = paths.redis_folder(host.root, environment)
    home = paths.environment_folder(host.root, project, environment)
    folders = {path.name: tuple(sorted(path.iterdir())) for path in sorted(home.glob("*")) if path.is_dir()}
    pages = sorted(folder.glob(f"pages/{project}.*.{environment}.maintenance.html"))
    latest = {name: host.stack(name).records.all()[:1] for name in folders}
    return EnvironmentScan(
        environment=environment,
        containers=tuple(container for container in containers if container.label("environment")),
        networks=tuple(engine.networks_of(project=project)),
        volumes=tuple(engine.volumes_of(project=project, environment=environment)),
        routes=routes,
        pages={path.name.split(".")[1]: path for path in pages},
        folders=folders,
        shared=shared,
        others=tuple(sorted(others - {environment, ""})),
        records={name: records[0] for name, records in latest.items() if records},
        proxy_folder=folder if folder.exists() else None,
        redis_folder=redis if redis.exists() else None,
        server_parts=server_state.read(host.root).parts_of(project, environment),
        unit=(atomic_file.read_json(paths.proxy_settings(host.root)) or {}).get("unit"),
        proxy_error=proxy_error,
    )
