# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks and volumes that a role needs on a server: created, or refused where others own the name."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import names
from ..errors import EngineError
from . import networks
from .docker_client import Engine
from .networks import DesiredNetwork
from .ownership import NOT_OURS, conflict


@dataclass(frozen=True)
class DesiredVolume:
    """A volume to create: its name and its labels."""

    name: str
    labels: t.Mapping[str, str]


@dataclass(frozen=True)
class ServerResources:
    """What was created, or would be in check mode, by kind and name, and the subnets of the networks there are."""

    created: tuple[str, ...]
    subnets: t.Mapping[str, tuple[str, ...]]


def ensure(
    engine: Engine,
    root: Path,
    desired: t.Sequence[DesiredNetwork],
    volumes: t.Sequence[DesiredVolume],
    pool: str,
    check_mode: bool = False,
) -> ServerResources:
    """Create what is missing; ``pool`` is the server's pool of addresses from now on.

    Raises EngineError, before anything is created, with all networks and volumes that exist and belong to others.
    """
    in_use = engine.names_in_use()
    labels = {("network", one.name): one.labels for one in desired}
    labels.update({("volume", one.name): one.labels for one in volumes})
    refused = [
        conflict(kind, name, in_use[kind, name], names.owner(own))
        for (kind, name), own in labels.items()
        if (kind, name) in in_use
    ]
    if any(refused):
        raise EngineError(f"Nothing was changed: {'; '.join(filter(None, refused))}.", hint=NOT_OURS)
    missing = [one for one in volumes if ("volume", one.name) not in in_use]
    if check_mode:
        created = networks.plan_missing(engine, root, desired, pool)
    else:
        created = networks.ensure(engine, root, desired, pool)
        for one in missing:
            engine.ensure_volume(one.name, "local", {}, dict(one.labels))
    present = engine.networks_in_use()
    return ServerResources(
        created=(*(f"network {name}" for name in created), *(f"volume {one.name}" for one in missing)),
        subnets={one.name: present[one.name].subnets for one in desired if one.name in present},
    )
