# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a proxy on this server, before anything changes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, names, paths
from ..engine import sockets
from ..engine.models import Container
from ..errors import Problem, SwitchyardError
from .foreign_files import check_foreign_files

if t.TYPE_CHECKING:
    from ..release.context import HostContext

ANY = ("0.0.0.0", "::", "")


@dataclass(frozen=True)
class PortUser:
    """Who has a port of this server: a container, of which project, or a process."""

    address: str
    container: str = ""
    project: str = ""
    process: str = ""
    pid: int = 0

    def words(self) -> str:
        """Return who that is, as a person finds it."""
        if self.container:
            whose = f", the proxy of the project {self.project}" if self.project else ""
            return f"the container {self.container}{whose}"
        return f"{self.process} (process {self.pid})" if self.pid else "a process that cannot be named"


@dataclass(frozen=True)
class ProxyRequest:
    """What the inventory wants: the kind of proxy, and the addresses and ports that it publishes."""

    provider: str
    ports: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class ProxyFacts:
    """What stands: our container, what the role wrote for it, and who has each port that is wanted."""

    proxy: Container | None = None
    settings: t.Mapping[str, t.Any] = field(default_factory=dict)
    holders: t.Mapping[int, tuple[PortUser, ...]] = field(default_factory=dict)


def problems(host: HostContext, wanted: ProxyRequest, seen: ProxyFacts) -> list[Problem]:
    """Return everything that stands in the way of the proxy that is wanted."""
    folder, mine = paths.proxy_folder(host.root), names.shared(host.project, "proxy")
    found = []
    other = seen.settings.get("container", mine)
    if other != mine:
        message = f"{folder} belongs to the container {other} of another project"
        found.append(
            Problem(
                "switchyard_root",
                message,
                "Write a folder of its own for each project of a server",
                "proxy.root_conflict",
            )
        )
    standing = seen.settings.get("provider", wanted.provider)
    if other == mine and standing != wanted.provider:
        message = f"the proxy of this server is {standing}, and {wanted.provider} is asked for"
        hint = f"Write {standing}, or take its environments off with retire.yml first"
        found.append(Problem("proxy_provider", message, hint, "proxy.provider_conflict"))
    elsewhere = sorted(
        {path for path in seen.proxy.mounts.values() if _is_elsewhere(path, folder)} if seen.proxy else ()
    )
    if elsewhere:
        message = f"the container {mine} has its files in {elsewhere[0]}, not below {folder}"
        hint = "Write the same switchyard_root in all inventories of this server, or another switchyard_project"
        found.append(Problem("switchyard_root", message, hint, "proxy.root_conflict"))
    for address, port in wanted.ports:
        for holder in seen.holders.get(port, ()):
            if holder.container != mine and (address in ANY or holder.address in ANY or address == holder.address):
                where = holder.address if ":" not in holder.address else f"[{holder.address}]"
                message = f"the port {port} is held on {where} by {holder.words()}"
                found.append(
                    Problem("proxy_http_port", message, "Write another port, or end what holds it", "proxy.port_in_use")
                )
                break
    return found


def _is_elsewhere(path: str, folder: Path) -> bool:
    """Return whether a mounted folder is that of another root: only those named as the role names them count."""
    return Path(path).parent.name == "proxy" and Path(path).parent != folder


def gather_facts(host: HostContext, ports: t.Iterable[int]) -> ProxyFacts:
    """Return what stands now."""
    engine = host.engine
    holders = {}
    for port in ports:
        found = []
        for name, addresses in engine.containers_publishing(port).items():
            one = engine.container(name)
            project = one.label("project") if one and one.label("role") == "proxy" else ""
            found += [PortUser(address, name, project) for address in sorted(addresses)]
        # Docker's own process holds the port for a container; where none does, another one is meant.
        held = [] if found else sockets.listeners(port)
        holders[port] = (*found, *(PortUser(one.address, process=one.name, pid=one.pid) for one in held))
    return ProxyFacts(
        engine.container(names.shared(host.project, "proxy")),
        atomic_file.read_json(paths.proxy_settings(host.root)) or {},
        holders,
    )


def run_preflight(host: HostContext, wanted: ProxyRequest) -> list[Problem]:
    """Return all problems of this server. Changes nothing but the folder in which the proxy tries its files."""
    seen = gather_facts(host, [port for _address, port in wanted.ports])
    found = problems(host, wanted, seen)
    if not found and seen.settings and seen.proxy and seen.proxy.running:
        try:
            found += check_foreign_files(host.root, host.proxy, host.proxy.read())
        except SwitchyardError:
            # The role puts a proxy right that does not answer; that is no problem of the inventory.
            return found
    return found
