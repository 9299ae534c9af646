# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes an environment from a server with everything that no other environment of its project uses."""

from __future__ import annotations

import shutil
import typing as t
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, code_cache, command, names, paths
from ..proxy.process import ENVIRONMENT, UNITS
from ..release.context import HostContext
from . import execute, tenants
from .last_backup import LastBackup, find_sources
from .scan import EnvironmentScan, scan
from .shared_scan import SharedScan, scan_shared
from .uninstall_plan import UninstallPlan, plan_uninstall

SYSTEMCTL_TIMEOUT = 60.0

# systemd notes there when a timer has elapsed last (systemd.timer(5), Persistent).
STAMPS = Path("/var/lib/systemd/timers")

# What the environments of a server share, below its root
SERVER_FILES = ("networks.json", "networks.lock", "fixed-addresses.json", "server.json", "server.lock")


@dataclass(frozen=True)
class UninstallResult:
    """What was or would be removed and retained, the other environments, and what a last backup holds."""

    changed: bool
    removed: t.Sequence[str]
    retained: t.Sequence[str]
    others: t.Sequence[str]
    last_backup: LastBackup
    diff: t.Mapping[str, str]


def uninstall(
    host: HostContext,
    remove_data: bool,
    remove_backups: bool,
    lock_holder: str,
    check_mode: bool = False,
    stacks: t.Collection[str] = (),
) -> UninstallResult:
    """Remove the environment, under the locks of all its stacks; ``stacks`` are those of the inventory.

    Raises SwitchyardError when a release of one of the stacks holds its lock.
    """

    def decide() -> tuple[EnvironmentScan, SharedScan, UninstallPlan]:
        now = scan(host)
        shared = scan_shared(host, now.others)
        return now, shared, plan_uninstall(now, shared, remove_data, remove_backups)

    found, shared, intended = decide()
    last_backup = find_sources(host, found, shared, stacks) if remove_data else LastBackup()
    for name in intended.environment.stacks:
        host.stack(name).lock.assert_free()
    # Nothing starts a backup from here on.
    if not check_mode:
        _remove_units(intended)
    execute.run(host, intended.environment, lambda: decide()[2].environment, lock_holder, check_mode)
    if not check_mode:
        _remove_shared(host, shared, intended)
    return UninstallResult(
        changed=intended.changed,
        removed=intended.removed,
        retained=intended.retained,
        others=sorted({*shared.proxy_users, *shared.server_users}),
        last_backup=last_backup,
        diff=execute.removal_diff(host, intended.removed),
    )


def _remove_units(intended: UninstallPlan) -> None:
    units = [path for path in intended.units if path.parent == UNITS]
    timers = [path.name for path in units if path.suffix == ".timer"]
    if timers:
        _systemctl("disable", "--now", "--", *timers)
    for path in [*intended.units, *(STAMPS / f"stamp-{name}" for name in timers)]:
        atomic_file.write_or_remove(path, None)
    if units:
        _systemctl("daemon-reload")


def _remove_shared(host: HostContext, shared: SharedScan, intended: UninstallPlan) -> None:
    engine = host.engine
    postgres, redis = (shared.servers.get(names.shared(host.project, name)) for name in ("postgres", "redis"))
    if intended.databases and postgres:
        tenants.drop_databases(engine, postgres, intended.databases, host.root, host.environment)
    if intended.redis_numbers and redis:
        tenants.empty_redis(engine, redis, intended.redis_numbers, host.root, host.environment)
    for name in intended.networks:
        engine.remove_resource("network", name)
    for name in intended.volumes:
        engine.remove_resource("volume", name)
    for path in intended.paths:
        shutil.rmtree(path)
    for folder in (paths.environment_folder(host.root, host.project, host.environment), host.root / "backups"):
        _remove_empty(folder)
    if shared.is_last and {path.name for path in host.root.glob("*")} <= set(SERVER_FILES):
        for name in SERVER_FILES:
            atomic_file.write_or_remove(host.root / name, None)
    _remove_empty(host.root)
    if not host.root.exists() and not _has_other_project(host):
        # This process has read what it needs of it.
        shutil.rmtree(code_cache.ROOT.parent, ignore_errors=True)


def _remove_empty(folder: Path) -> None:
    """Remove a folder, unless it has files of others."""
    with suppress(OSError):
        folder.rmdir()


def _has_other_project(host: HostContext) -> bool:
    """Return whether something on the server is of another project, whose modules run from the stored code too."""
    owners = map(names.owner, host.engine.names_in_use().values())
    return any(owner and owner[0] != host.project for owner in owners)


def _systemctl(*args: str) -> None:
    command.run(["systemctl", *args], timeout=SYSTEMCTL_TIMEOUT, env=ENVIRONMENT, merge=True)
