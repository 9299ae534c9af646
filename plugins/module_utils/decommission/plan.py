# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a retirement: what is removed from a server, and what is retained."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import names
from ..engine.models import Container, LabelledResource
from ..errors import SwitchyardError
from ..proxy.behind_traefik import labels as behind_traefik_labels
from .scan import EnvironmentScan, is_ours

# The containers and networks of a project that belong to its proxy, by the label ``role``.
PROXY_ROLES = ("proxy", "pages")
PROXY_NETWORKS = ("pages", "front", "proxy")

# What a user types to remove data as well.
REMOVE_DATA = "-e remove_data=true"


@dataclass(frozen=True)
class DecommissionPlan:
    """What is removed, by name, and what is retained although it is the stacks', as sentences.

    ``routes`` are hosts and paths per stack. ``shared`` are containers of the whole project, ``unit`` is the proxy's
    systemd unit. ``disconnects`` are pairs of a network and a shared container that leaves it. ``servers`` are
    containers of PostgreSQL and Redis. With ``anonymous_volumes``, volumes without a name end with their container.
    """

    stacks: tuple[str, ...]
    routes: t.Mapping[str, tuple[str, ...]]
    containers: tuple[str, ...]
    shared: tuple[str, ...]
    unit: str | None
    disconnects: tuple[tuple[str, str], ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    paths: tuple[Path, ...]
    retained: tuple[str, ...]
    servers: tuple[str, ...] = ()
    anonymous_volumes: bool = False
    server_parts: tuple[str, ...] = ()

    @property
    def removed(self) -> list[str]:
        """What is removed, one line each."""
        return [
            *(f"routes of {stack}: {', '.join(routes) or 'none'}" for stack, routes in self.routes.items()),
            *(f"container {name}" for name in (*self.containers, *self.shared, *self.servers)),
            *([f"unit {self.unit}"] if self.unit else []),
            *(f"connection of {container} to the network {network}" for network, container in self.disconnects),
            *resource_lines(self.networks, self.volumes, self.paths),
            *(f"use of the server's shared settings of {part}" for part in self.server_parts),
        ]

    @property
    def changed(self) -> bool:
        """Whether anything is removed."""
        return bool(self.removed)


def resource_lines(networks: t.Iterable[str], volumes: t.Iterable[str], folders: t.Iterable[Path]) -> list[str]:
    """Return the lines of a report that names what is removed."""
    return [
        *(f"network {name}" for name in networks),
        *(f"volume {name} with its data" for name in volumes),
        *map(str, folders),
    ]


def plan(
    scan: EnvironmentScan,
    requested: t.Sequence[str],
    remove_data: bool,
    servers: frozenset[str] = frozenset(),
    keeps_databases: bool = True,
) -> DecommissionPlan:
    """Return the plan that removes the requested stacks, or without any the environment and what only it uses.

    ``servers`` are containers of PostgreSQL and Redis that are removed too. ``keeps_databases`` is whether the
    databases of the environment stay in the others.

    Raises SwitchyardError when other environments need the proxy and it does not answer.
    """
    stacks = [name for name in scan.stacks if not requested or name in requested]
    is_last = not requested and not scan.others
    if scan.proxy_error and not is_last:
        raise SwitchyardError(scan.proxy_error)

    def is_own(resource: Container | LabelledResource) -> bool:
        of_environment = resource.label("environment") == scan.environment
        return of_environment and (not requested or resource.label("stack") in requested)

    containers = {container.name for container in scan.containers if is_own(container)}
    own_redis = next((one.name for one in scan.containers if one.label("role") == "redis"), "")
    shared = {name for name, container in scan.shared.items() if is_last and container.label("role") in PROXY_ROLES}
    candidates = [
        network for network in scan.networks if is_own(network) or (is_last and network.label("role") in PROXY_NETWORKS)
    ]
    gone = containers | shared | servers
    disconnects, networks, retained = _plan_networks(scan, candidates, gone)
    volumes = [volume for volume in scan.volumes if is_own(volume)]
    in_use = {volume.name: sorted(set(volume.users) - gone) for volume in volumes if set(volume.users) - gone}
    retained += [f"the volume {name}: {', '.join(users)} uses it" for name, users in in_use.items()]
    unused = [volume.name for volume in volumes if volume.name not in in_use]
    data = [path for name in stacks for path in scan.folders.get(name, ()) if not is_ours(path)]
    if not remove_data:
        retained += [f"the volume {name} ({REMOVE_DATA} removes it)" for name in unused]
        retained += [f"{path} ({REMOVE_DATA} removes it)" for path in data]
    for name in stacks if keeps_databases else ():
        record = scan.records.get(name)
        if record and record.stack.shared_database:
            retained.append(f"the database {names.database(name, scan.environment)} in PostgreSQL, with its logins")
        if record and record.stack.redis and own_redis not in containers:
            retained.append(f"the user {names.redis_user(name, scan.environment)} in Redis, with its database numbers")
    labels = [container.labels for name, container in scan.shared.items() if name not in shared]
    if not requested and any(behind_traefik_labels.ROUTERS_LABEL + scan.environment in each for each in labels):
        retained.append("the labels of the proxy for these hosts, until setup.yml runs for another environment")
    if is_last and scan.unit:
        retained.append("Debian's package of the proxy, and the user it ran as")
    folders = [path for name in stacks for path in scan.folders.get(name, ()) if is_ours(path) or remove_data]
    pages = [] if is_last else [scan.pages[name] for name in stacks if name in scan.pages]
    redis_folder = [scan.redis_folder] if not requested and scan.redis_folder else []
    proxy_folder = [scan.proxy_folder] if is_last and scan.proxy_folder else []
    return DecommissionPlan(
        stacks=tuple(stacks),
        routes={} if is_last else {name: routes for name, routes in scan.routes.items() if name in stacks},
        containers=tuple(sorted(containers)),
        shared=tuple(sorted(shared)),
        unit=scan.unit if is_last else None,
        disconnects=tuple(disconnects),
        networks=tuple(networks),
        volumes=tuple(unused) if remove_data else (),
        paths=(*pages, *folders, *redis_folder, *proxy_folder),
        retained=tuple(retained),
        servers=tuple(sorted(servers)),
        anonymous_volumes=remove_data,
        server_parts=() if requested else scan.server_parts,
    )


def _plan_networks(
    scan: EnvironmentScan, candidates: list[LabelledResource], removed: set[str]
) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Return the disconnects, the networks that are removed, and why the others are retained."""
    # The shared servers, and what serves the whole environment.
    servers = [*scan.shared.values(), *(one for one in scan.containers if not one.label("stack"))]
    remaining = {one.name: set(one.addresses) for one in servers}
    disconnects, networks, retained = [], [], []
    for network in sorted(candidates, key=lambda candidate: candidate.name):
        users = [name for name in network.users if name not in removed]
        foreign = [name for name in users if name not in remaining]
        without_other = [name for name in users if name in remaining and remaining[name] <= {network.name}]
        if foreign:
            retained.append(f"the network {network.name}: {', '.join(foreign)} uses it")
        elif without_other:
            retained.append(f"the network {network.name}: {', '.join(without_other)} has no other")
        else:
            disconnects += [(network.name, name) for name in users]
            networks.append(network.name)
            for name in users:
                remaining[name].discard(network.name)
    return disconnects, networks, retained
