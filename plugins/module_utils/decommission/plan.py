# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what is removed when a stack or an environment is retired."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import names
from ..engine.models import Container, LabelledResource
from ..errors import SwitchyardError
from ..proxy.behind_traefik import labels as behind_traefik_labels
from .scan import EnvironmentScan, is_ours


@dataclass(frozen=True)
class DecommissionPlan:
    """What goes, and what stays although it could go, in words."""

    stacks: tuple[str, ...]
    routes: t.Mapping[str, tuple[str, ...]]
    containers: tuple[str, ...]
    servers: tuple[str, ...]
    unit: str | None
    leaves: tuple[tuple[str, str], ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    paths: tuple[Path, ...]
    kept: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What goes, a line each."""
        return [
            *(f"routes of {stack}: {', '.join(ways) or 'none'}" for stack, ways in self.routes.items()),
            *(f"container {name}" for name in (*self.containers, *self.servers)),
            *([f"unit {self.unit}"] if self.unit else []),
            *(f"place of {server} on the network {network}" for network, server in self.leaves),
            *(f"network {name}" for name in self.networks),
            *(f"volume {name} with its data" for name in self.volumes),
            *map(str, self.paths),
        ]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.lines)


def plan(seen: EnvironmentScan, asked: t.Sequence[str], remove_data: bool) -> DecommissionPlan:
    """Return what it takes for stacks to be gone; with none asked for, the environment and all that is only its own.

    Raises SwitchyardError where the proxy would have to answer and does not.
    """
    stacks = [name for name in seen.stacks if not asked or name in asked]
    last = not asked and not seen.others
    if seen.trouble and not last:
        raise SwitchyardError(seen.trouble)

    def mine(one: Container | LabelledResource) -> bool:
        here = one.label("environment") == seen.environment
        return here and (not asked or one.label("stack") in asked)

    containers = {one.name for one in seen.containers if mine(one)}
    servers = {name for name, one in seen.shared.items() if last and one.label("role") in ("proxy", "pages")}
    going = [one for one in seen.networks if mine(one) or (last and one.label("role") in ("pages", "front"))]
    leaves, networks, kept = _networks(seen, going, containers | servers)
    volumes = [one for one in seen.volumes if mine(one)]
    in_use = {one.name: sorted(set(one.users) - containers) for one in volumes if set(one.users) - containers}
    kept += [f"the volume {name}: {', '.join(users)} uses it" for name, users in in_use.items()]
    free = [one.name for one in volumes if one.name not in in_use]
    data = [path for name in stacks for path in seen.folders.get(name, ()) if not is_ours(path)]
    if not remove_data:
        kept += [f"the volume {name} (-e data=remove removes it)" for name in free]
        kept += [f"{path} (-e data=remove removes it)" for path in data]
    for name in stacks:
        record = seen.records.get(name)
        if record and record.stack.postgres:
            kept.append(f"the database {names.database(name, seen.environment)} in PostgreSQL, with its logins")
        if record and record.stack.redis:
            kept.append(f"the user {names.redis_user(name, seen.environment)} in Redis, with its database numbers")
    labels = [one.labels for name, one in seen.shared.items() if name not in servers]
    if not asked and any(behind_traefik_labels.MEMORY + seen.environment in each for each in labels):
        kept.append("the labels of the proxy for these hosts, until setup.yml runs for another environment")
    if last and seen.unit:
        kept.append("Debian's package of the proxy, and the user it ran as")
    folders = [path for name in stacks for path in seen.folders.get(name, ()) if is_ours(path) or remove_data]
    proxy_folder = [seen.proxy_folder] if last and seen.proxy_folder else []
    return DecommissionPlan(
        stacks=tuple(stacks),
        routes={} if last else {name: ways for name, ways in seen.routes.items() if name in stacks},
        containers=tuple(sorted(containers)),
        servers=tuple(sorted(servers)),
        unit=seen.unit if last else None,
        leaves=tuple(leaves),
        networks=tuple(networks),
        volumes=tuple(free) if remove_data else (),
        paths=(*([] if last else [seen.pages[name] for name in stacks if name in seen.pages]), *folders, *proxy_folder),
        kept=tuple(kept),
    )


def _networks(
    seen: EnvironmentScan, going: list[LabelledResource], gone: set[str]
) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Return which servers leave which networks, the networks that go, and why others stay."""
    left = {name: set(one.addresses) for name, one in seen.shared.items()}
    leaves, networks, kept = [], [], []
    for one in sorted(going, key=lambda network: network.name):
        users = [name for name in one.users if name not in gone]
        strangers = [name for name in users if name not in left]
        alone = [name for name in users if name in left and left[name] <= {one.name}]
        if strangers:
            kept.append(f"the network {one.name}: {', '.join(strangers)} uses it")
        elif one.name == seen.published_network and users:
            kept.append(f"the network {one.name}: the public's port leads through it to the other environments")
        elif alone:
            kept.append(f"the network {one.name}: {', '.join(alone)} has no other")
        else:
            leaves += [(one.name, name) for name in users]
            networks.append(one.name)
            for name in users:
                left[name].discard(one.name)
    return leaves, networks, kept
