# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds everything that an environment has on this server."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, names, paths
from ..engine.models import Container, LabelledResource
from ..errors import SwitchyardError
from ..release.context import HostContext
from ..release.record import Record

# What a release makes in a stack's folder. The lock goes last.
LOCKS = (paths.LOCK, paths.LOCK_GUARD)


@dataclass(frozen=True)
class EnvironmentScan:
    """What stands of a project on this server, as far as one environment has to do with it.

    ``routes`` has the hosts and paths per stack that the proxy knows, ``pages`` and ``folders`` the paths per stack.
    ``shared`` are the servers of the project that belong to no environment, with the networks that each is on;
    ``published_network`` is the network that the published port of the proxy needs. ``others`` are the project's other
    environments here. ``records`` are the newest per stack. ``unit`` is the proxy's where it runs on the server
    itself. ``trouble`` is why it does not answer.
    """

    environment: str
    containers: tuple[Container, ...] = ()
    networks: tuple[LabelledResource, ...] = ()
    volumes: tuple[LabelledResource, ...] = ()
    routes: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pages: t.Mapping[str, Path] = field(default_factory=dict)
    folders: t.Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    shared: t.Mapping[str, Container] = field(default_factory=dict)
    published_network: str | None = None
    others: tuple[str, ...] = ()
    records: t.Mapping[str, Record] = field(default_factory=dict)
    proxy_folder: Path | None = None
    unit: str | None = None
    trouble: str | None = None

    @property
    def stacks(self) -> list[str]:
        """The stacks of the environment of which anything stands."""
        things: list[Container | LabelledResource] = [*self.containers, *self.networks, *self.volumes]
        labelled = {one.label("stack") for one in things if one.label("environment") == self.environment}
        return sorted({*self.routes, *self.pages, *self.folders, *labelled} - {""})


def is_ours(path: Path) -> bool:
    return path.name in (paths.RELEASES, *LOCKS)


def scan(server: HostContext) -> EnvironmentScan:
    """Return what stands now."""
    engine, project, environment = server.engine, server.project, server.environment
    everything = engine.containers(project=project)
    shared = {one.name: one for one in everything if not one.label("environment")}
    proxy = next((one for one in shared.values() if one.label("role") == "proxy"), None)
    folder = paths.proxy_folder(server.root)
    routes: dict[str, tuple[str, ...]] = {}
    others = {one.label("environment") for one in everything}
    trouble = None
    if proxy or paths.proxy_settings(server.root).exists():
        try:
            state = server.proxy.read()
        except SwitchyardError as error:
            trouble = str(error)
        else:
            for key in sorted(state.known_stacks()):
                stack = names.stack_of_key(key, project, environment)
                if stack:
                    routes[stack] = tuple(sorted({at for owner, _color, at in state.routes if owner == key}))
                elif key.startswith(f"{project}."):
                    others.add(key.split(".")[-1])
    others |= paths.environments(server.root, project)
    home = paths.environment_folder(server.root, project, environment)
    folders = {path.name: tuple(sorted(path.iterdir())) for path in sorted(home.glob("*")) if path.is_dir()}
    pages = sorted(folder.glob(f"pages/{project}.*.{environment}.maintenance.html"))
    latest = {name: server.stack(name).records.all()[:1] for name in folders}
    return EnvironmentScan(
        environment=environment,
        containers=tuple(one for one in everything if one.label("environment")),
        networks=tuple(engine.networks_of(project=project)),
        volumes=tuple(engine.volumes_of(project=project, environment=environment)),
        routes=routes,
        pages={path.name.split(".")[1]: path for path in pages},
        folders=folders,
        shared=shared,
        published_network=engine.published_network(proxy.name) if proxy else None,
        others=tuple(sorted(others - {environment, ""})),
        records={name: records[0] for name, records in latest.items() if records},
        proxy_folder=folder if folder.exists() else None,
        unit=(atomic_file.read_json(paths.proxy_settings(server.root)) or {}).get("unit"),
        trouble=trouble,
    )
