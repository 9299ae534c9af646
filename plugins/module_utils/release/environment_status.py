# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of an environment on this server: a line per stack, for ``status.yml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import names, paths
from ..backup.store import BackupStore, StoredBackup
from ..engine.anonymous_volumes import made_for
from ..engine.models import Container
from ..errors import SwitchyardError, sentence
from ..near_name import did_you_mean
from ..proxy.capabilities import ProxyCapabilities
from ..proxy.state import ProxyState
from .context import HostContext, StackContext, newest_release
from .release_line import ReleaseLine, release_line
from .status import CanaryStatus, LockStatus, canary_status, lock_status


@dataclass(frozen=True)
class NewestBackup:
    """The newest backup of a database; a broken one has no time when it was ``finished``, seconds since the epoch."""

    name: str
    state: str
    finished: float | None


@dataclass(frozen=True)
class StackLine:
    """What runs of a stack. ``failing`` are its containers that do not run or are not healthy, with their state.

    ``warm`` is the release on the idle color; a rollback to it is one switch. ``unnamed_volumes`` are those that the
    Compose files do not name, each with the service and the path that it was made for.
    ``certificates`` has for each host of a route the end of the proxy's certificate for it, seconds since the epoch;
    hosts without one are missing.
    """

    stack: str
    live: str | None
    release: ReleaseLine | None
    warm: ReleaseLine | None
    containers: int
    failing: dict[str, str]
    availability: str | None
    canary: CanaryStatus | None
    lock: LockStatus | None
    backup: NewestBackup | None
    routes: tuple[str, ...]
    unnamed_volumes: dict[str, str]
    certificates: dict[str, float]


def environment_status(host: HostContext, only: Sequence[str], now: float) -> list[StackLine]:
    """Return a line for each stack with a release on this server, or for those that ``only`` names.

    Raises SwitchyardError when one of them has no release here.
    """
    folder = paths.environment_folder(host.root, host.project, host.environment)
    known = sorted(path.parent.name for path in folder.glob(f"*/{paths.RELEASES}"))
    require_known(only, known, host.environment, folder)
    state = host.proxy.read()
    containers = host.engine.containers(project=host.project, environment=host.environment)
    volumes = {
        name: labels
        for (kind, name), labels in host.engine.names_in_use().items()
        if kind == "volume" and made_for(labels)
    }
    return [stack_line(host.stack(name), state, containers, volumes, now) for name in only or known]


def require_known(asked: Sequence[str], known: Sequence[str], environment: str, folder: Path) -> None:
    """Raise SwitchyardError when a stack that was asked for has no release on this server."""
    unknown = [name for name in asked if name not in known]
    if not unknown:
        return
    hint = did_you_mean(unknown[0], known, f"The stacks with a release are: {', '.join(known) or 'none'}")
    raise SwitchyardError(f"{folder} has no release of {', '.join(unknown)} ({environment}).", hint=sentence(hint))


def stack_line(
    ctx: StackContext,
    state: ProxyState,
    containers: Sequence[Container],
    volumes: Mapping[str, Mapping[str, str]],
    now: float,
) -> StackLine:
    """Return the line of a stack.

    ``containers`` are those of its environment, ``volumes`` the labels of each volume of the server without a name.
    """
    live = state.live.get(ctx.key)
    own = [container for container in containers if ctx.owns(container)]
    shown = [container for container in own if container.label("color") in ("", live or "")]
    shown = [container for container in shown if container.label("role") != "job"]
    idle = ctx.records.get(_release_on(own, names.other(live))) if live else None
    canary = canary_status(idle, state.weights.get(ctx.key, 0))
    running = {item.label("color") for item in own if item.running}
    warm = idle if live and names.other(live) in running and not canary else None
    owner = (ctx.project, ctx.stack, ctx.environment)
    backups = BackupStore(ctx.host.root, ctx.project, ctx.environment, ctx.stack).all()
    routes = sorted(state.routes_of(ctx.key, live))
    return StackLine(
        stack=ctx.stack,
        live=live,
        release=release_line(ctx.records.get(_release_on(own, live))),
        warm=release_line(warm),
        containers=len(shown),
        failing={item.name: item.health or item.state for item in shown if _is_failing(item)},
        availability=state.availability.get(ctx.key),
        canary=canary,
        lock=lock_status(ctx, now),
        backup=_newest(backups[0]) if backups else None,
        routes=tuple(routes),
        unnamed_volumes={name: made_for(labels) for name, labels in volumes.items() if names.owner(labels) == owner},
        certificates=_certificates(ctx.proxy.capabilities, {route.partition("/")[0] for route in routes}),
    )


def _certificates(capabilities: ProxyCapabilities, hosts: set[str]) -> dict[str, float]:
    found = {host: capabilities.last_certificate(host) for host in sorted(hosts) if capabilities.has_certificate(host)}
    return {host: certificate.until.timestamp() for host, certificate in found.items() if certificate}


def _newest(backup: StoredBackup) -> NewestBackup:
    manifest = backup.manifest
    return NewestBackup(backup.name, manifest.state if manifest else "broken", manifest.finished if manifest else None)


def _release_on(containers: Sequence[Container], color: str | None) -> int | None:
    return newest_release(item for item in containers if color and item.label("color") == color)


def _is_failing(container: Container) -> bool:
    return not container.running or container.health not in (None, "healthy")
