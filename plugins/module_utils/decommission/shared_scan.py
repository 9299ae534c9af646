# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environments of a project share on a server, and which environments need it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import names
from ..engine.models import Container, LabelledResource
from ..proxy.process import UNITS
from ..release.context import HostContext
from . import tenants

# The roles of the containers of shared servers, by the label ``role``
SERVER_ROLES = ("postgres", "redis")

CRON = Path("/etc/cron.d")


@dataclass(frozen=True)
class SharedScan:
    """What an environment shares with others on this server.

    ``servers`` are the containers of PostgreSQL and Redis by name, ``volumes`` and ``networks`` those that belong to no
    environment. ``proxy_users`` are other environments that need the proxy, ``server_users`` those that have data in a
    shared server, each with what shows it. ``units`` are files of the environment's timers. ``own_redis`` is the name
    of the environment's own Redis. ``databases`` are the environment's in the shared PostgreSQL, ``foreign_databases``
    those that no environment has; both are None where the server does not answer. ``redis_numbers`` are the
    environment's in the shared Redis.
    """

    root: Path
    project: str
    environment: str
    own_redis: str
    servers: t.Mapping[str, Container] = field(default_factory=dict)
    volumes: tuple[LabelledResource, ...] = ()
    networks: tuple[LabelledResource, ...] = ()
    proxy_users: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    server_users: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: tuple[Path, ...] = ()
    databases: tuple[str, ...] | None = ()
    foreign_databases: tuple[str, ...] | None = ()
    redis_numbers: tuple[int, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether no other environment needs a shared server."""
        return not self.proxy_users and not self.server_users


def scan_shared(host: HostContext, known_others: t.Iterable[str]) -> SharedScan:
    """Return what an environment shares now; ``known_others`` are other environments with routes or containers."""
    engine, project, environment, root = host.engine, host.project, host.environment, host.root
    containers = engine.containers(project=project)
    servers = {one.name: one for one in containers if _is_server(one)}
    volumes, networks = engine.volumes_of(project=project), engine.networks_of(project=project)
    own_redis = names.of_environment(project, "own-redis", environment)
    proxy_users = {name: ["a route, a container or a release"] for name in known_others}
    for network in networks:
        if network.label("role") == "front":
            proxy_users.setdefault(network.label("environment"), []).append(f"the network {network.name}")
    server_users: dict[str, list[str]] = {}
    for name, what in _server_users(root, project, servers):
        server_users.setdefault(name, []).append(what)
    others = ({*proxy_users, *server_users}) - {environment}
    shared_postgres = servers.get(names.shared(project, "postgres"))
    known = tenants.databases_of(root)
    found = tenants.databases(engine, shared_postgres) if shared_postgres else []
    own = None if found is None else tenants.own_databases(found, known, environment)
    return SharedScan(
        root=root,
        project=project,
        environment=environment,
        own_redis=own_redis,
        servers=servers,
        volumes=tuple(one for one in volumes if not one.label("environment")),
        networks=tuple(one for one in networks if not one.label("environment")),
        proxy_users=_frozen(proxy_users, environment),
        server_users=_frozen(server_users, environment),
        units=tuple(sorted(_unit_files(project, environment))),
        databases=None if own is None else tuple(own),
        foreign_databases=None
        if found is None
        else tuple(tenants.foreign_databases(found, known, others, environment)),
        redis_numbers=tenants.redis_numbers(root, environment),
    )


def _is_server(container: Container) -> bool:
    """Return whether a container is PostgreSQL or Redis and no environment's alone."""
    return container.label("role") in SERVER_ROLES and not container.label("environment")


def _server_users(root: Path, project: str, servers: t.Iterable[str]) -> t.Iterator[tuple[str, str]]:
    """Yield the environments that use PostgreSQL and Redis, each with what shows it."""
    own_redis = names.of_environment(project, "own-redis", "")
    for name in servers:
        if name.startswith(own_redis):
            yield name[len(own_redis) :], f"the container {name}"
    for pattern in ("postgres/conf/tenants/*.conf", "redis/conf/allotted/*.json"):
        for path in sorted(root.glob(pattern)):
            if tenants.is_used(path):
                yield path.stem, str(path)


def _frozen(users: t.Mapping[str, list[str]], environment: str) -> dict[str, tuple[str, ...]]:
    """Return the users without an environment and the empty name."""
    others = sorted(set(users) - {environment, ""})
    return {name: tuple(dict.fromkeys(users[name])) for name in others}


def _unit_files(project: str, environment: str) -> t.Iterator[Path]:
    """Yield the files of the timers that the role ``backup`` writes."""
    name = f"switchyard-backup-{project}-{environment}"
    for unit in (name, f"{name}-check"):
        for suffix in ("timer", "service"):
            path = UNITS / f"{unit}.{suffix}"
            if path.exists():
                yield path
    if (CRON / name).exists():
        yield CRON / name
