# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what ``uninstall.yml`` removes: an environment, and what no other environment of the project uses. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from .. import names, paths
from ..engine.models import LabelledResource
from ..errors import SwitchyardError
from .plan import REMOVE_DATA, DecommissionPlan, plan, resource_lines
from .scan import EnvironmentScan
from .shared_scan import SharedScan

# What a user types to remove more.
REMOVE_BACKUPS = "-e remove_data=true -e remove_backups=true"


@dataclass(frozen=True)
class UninstallPlan:
    """What is removed, and what is retained, as sentences.

    ``environment`` is the part that ``retire.yml`` removes as well, with the shared servers. ``databases`` and
    ``redis_numbers`` are emptied in shared servers that stay. ``units`` are files of systemd and cron.
    """

    environment: DecommissionPlan
    databases: tuple[str, ...]
    redis_numbers: tuple[int, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    units: tuple[Path, ...]
    paths: tuple[Path, ...]
    retained: tuple[str, ...]

    @property
    def removed(self) -> list[str]:
        """What is removed, one line each."""
        return [
            *self.environment.removed,
            *(f"database {name} of PostgreSQL with its logins" for name in self.databases),
            *(f"database {number} of Redis with its users" for number in self.redis_numbers),
            *(f"unit {path.name}" for path in self.units),
            *resource_lines(self.networks, self.volumes, self.paths),
        ]

    @property
    def changed(self) -> bool:
        """Whether anything is removed."""
        return bool(self.removed)


def plan_uninstall(scan: EnvironmentScan, shared: SharedScan, remove_data: bool, remove_backups: bool) -> UninstallPlan:
    """Return the plan.

    Raises SwitchyardError when data is to be removed of a PostgreSQL whose databases are not known.
    """
    scan = replace(scan, others=tuple(shared.proxy_users))
    if shared.databases is None and remove_data:
        raise SwitchyardError(
            "The shared PostgreSQL does not answer, so its databases and their owners are not known.",
            hint=f"Start {names.shared(shared.project, 'postgres')} with 'docker start', or leave out {REMOVE_DATA}.",
        )
    foreign = shared.foreign_databases or ()
    gone = _servers_to_remove(shared)
    # A foreign database keeps its server.
    if foreign:
        gone -= {names.shared(shared.project, "postgres")}
    keeps_databases = not remove_data
    base = plan(scan, (), remove_data, frozenset(gone), keeps_databases)
    retained = list(base.retained)
    retained += [f"the database {name} in PostgreSQL, which no environment of this project has" for name in foreign]
    for kind, users in (("proxy", shared.proxy_users), ("shared PostgreSQL and Redis", shared.server_users)):
        retained += [f"the {kind}: the environment {name} has {', '.join(what)}" for name, what in users.items()]
    removed = {*base.containers, *base.shared, *gone}
    common = [one for one in shared.networks if shared.is_last and one.name not in base.networks]
    networks, kept = _unused(common, removed, "network")
    retained += kept
    volumes, kept = _unused([one for one in shared.volumes if _is_removed(one, shared, gone)], removed, "volume")
    retained += kept
    folders = [path for path in _server_folders(shared, gone) if path.exists() and path not in base.paths]
    backups = paths.backups_folder(shared.root, shared.project, shared.environment)
    if not remove_data:
        retained += [f"the volume {name} ({REMOVE_DATA} removes it)" for name in volumes]
        retained += [f"{path} with the keys of that data ({REMOVE_DATA} removes it)" for path in folders]
        volumes, folders = (), []
    if remove_backups and backups.exists():
        folders.append(backups)
    elif backups.exists():
        retained.append(f"the backups in {backups} ({REMOVE_BACKUPS} removes them)")
    stays = names.shared(shared.project, "postgres") not in gone, names.shared(shared.project, "redis") not in gone
    return UninstallPlan(
        environment=base,
        databases=tuple(shared.databases or ()) if remove_data and stays[0] else (),
        redis_numbers=shared.redis_numbers if remove_data and stays[1] else (),
        networks=networks,
        volumes=volumes,
        units=shared.units,
        paths=tuple(folders),
        retained=tuple(retained),
    )


def _servers_to_remove(shared: SharedScan) -> set[str]:
    """Return the containers of PostgreSQL and Redis that no other environment uses."""
    return {name for name in shared.servers if shared.is_last or name == shared.own_redis}


def _is_removed(volume: LabelledResource, shared: SharedScan, gone: t.Collection[str]) -> bool:
    """Return whether a volume is that of a server that is removed, or that has no container any more."""
    common = {names.shared(shared.project, name) for name in ("postgres", "redis")}
    without_server = volume.name not in shared.servers and (
        volume.name == shared.own_redis or (shared.is_last and volume.name in common)
    )
    return volume.name in gone or without_server


def _server_folders(shared: SharedScan, gone: t.Collection[str]) -> list[Path]:
    """Return the folders of the servers that are removed, or that have no container any more."""
    folders = [paths.redis_folder(shared.root, shared.environment)]
    for name, folder in (
        ("postgres", paths.postgres_folder(shared.root)),
        ("redis", paths.redis_folder(shared.root, None)),
    ):
        container = names.shared(shared.project, name)
        if container in gone or (shared.is_last and container not in shared.servers):
            folders.append(folder)
    return folders


def _unused(
    resources: t.Iterable[LabelledResource], removed: t.Collection[str], kind: str
) -> tuple[tuple[str, ...], list[str]]:
    """Return the names of resources that only removed containers use, and why the others are retained."""
    users = {one.name: [user for user in one.users if user not in removed] for one in resources}
    retained = [f"the {kind} {name}: {', '.join(others)} uses it" for name, others in users.items() if others]
    return tuple(sorted(name for name, others in users.items() if not others)), retained
