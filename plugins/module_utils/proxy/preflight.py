# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems of a proxy on this server, found before anything changes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, names, paths
from ..engine import sockets
from ..engine.models import Container
from ..errors import Problem, SwitchyardError
from .base_config import is_running
from .foreign_files import check_foreign_files
from .host import ProxyHost
from .process import unit_of

ANY_ADDRESS = ("0.0.0.0", "::", "")

# From this version on Docker drops packets from other machines to addresses of containers (release notes of 28.0).
GUARDED_ENGINE = 28


@dataclass(frozen=True)
class PortUser:
    """The container, with its project if it is a proxy, or the process that listens on a port of this server."""

    address: str
    container: str = ""
    project: str = ""
    process: str = ""
    pid: int = 0
    unit: str = ""

    def description(self) -> str:
        """Return a description for a message."""
        if self.container:
            owner = f", the proxy of the project {self.project}" if self.project else ""
            return f"the container {self.container}{owner}"
        return f"{self.process} (process {self.pid})" if self.pid else "an unknown process"


@dataclass(frozen=True)
class ProxyRequest:
    """What the inventory asks for: the kind of proxy, its addresses and ports, and the systemd unit of a package."""

    provider: str
    ports: tuple[tuple[str, int], ...] = ()
    unit: str = ""


@dataclass(frozen=True)
class ProxyFacts:
    """What exists: our container, the content of ``proxy.json``, and the users of each requested port."""

    proxy: Container | None = None
    settings: t.Mapping[str, t.Any] = field(default_factory=dict)
    port_users: t.Mapping[int, tuple[PortUser, ...]] = field(default_factory=dict)


def problems(host: ProxyHost, request: ProxyRequest, facts: ProxyFacts) -> list[Problem]:
    """Return every problem of the requested proxy with what exists."""
    folder, own = paths.proxy_folder(host.root), names.shared(host.project, "proxy")
    result = []
    container = facts.settings.get("container", own)
    if container != own:
        message = f"{folder} belongs to the container {container} of another project"
        hint = "Give each project of a server its own switchyard_root"
        result.append(Problem("switchyard_root", message, hint, "proxy.root_conflict"))
    existing = facts.settings.get("provider", request.provider)
    if container == own and existing != request.provider:
        message = f"the proxy of this server is {existing}, and {request.provider} is asked for"
        hint = f"Write {existing}, which the environments of this server share"
        result.append(Problem("proxy_provider", message, hint, "proxy.provider_conflict"))
    mounts = facts.proxy.mounts.values() if facts.proxy else ()
    other_roots = sorted({path for path in mounts if _is_of_other_root(path, folder)})
    if other_roots:
        message = f"the container {own} has its files in {other_roots[0]}, not below {folder}"
        hint = "Write the same switchyard_root in all inventories of this server, or another switchyard_project"
        result.append(Problem("switchyard_root", message, hint, "proxy.root_conflict"))
    if not request.unit:
        for address in dict.fromkeys(address for address, _port in request.ports if ":" in address):
            message = f"{address} is an IPv6 address, and Docker hides the addresses of its clients from the proxy"
            hint = "Write 0.0.0.0 or an IPv4 address, or set proxy_install: package"
            result.append(Problem("proxy_http_address", message, hint, "proxy.address_family"))
    for address, port in request.ports:
        for user in facts.port_users.get(port, ()):
            is_own = user.unit == request.unit if request.unit else user.container == own
            if not is_own and (address in ANY_ADDRESS or user.address in ANY_ADDRESS or address == user.address):
                shown = user.address if ":" not in user.address else f"[{user.address}]"
                message = f"the port {port} is in use on {shown} by {user.description()}"
                hint = "Set another proxy_http_port or proxy_https_port, or ask its owner for the port"
                result.append(Problem("proxy_http_port", message, hint, "proxy.port_in_use"))
                break
    return result


def _is_of_other_root(path: str, folder: Path) -> bool:
    """Return whether a mounted folder is that of another root: only folders that the role made count."""
    return Path(path).parent.name == "proxy" and Path(path).parent != folder


def notices(engine_version: str) -> list[str]:
    """Return what an operator should know of this server; it does not stop the role."""
    major = engine_version.partition(".")[0]
    if not major.isdigit() or int(major) >= GUARDED_ENGINE:
        return []
    return [
        f"Docker Engine {engine_version} passes packets of other machines on to the addresses of containers, past "
        f"the proxy. Engine {GUARDED_ENGINE} does not; before it, drop them in the chain DOCKER-USER."
    ]


def gather_facts(host: ProxyHost, ports: t.Iterable[int]) -> ProxyFacts:
    """Return what exists now."""
    engine = host.engine
    port_users = {}
    for port in ports:
        users = []
        for name, addresses in engine.containers_publishing(port).items():
            container = engine.container(name)
            project = container.label("project") if container and container.label("role") == "proxy" else ""
            users += [PortUser(address, name, project) for address in sorted(addresses)]
        # Docker's own process listens for a container; another process counts where there is no container.
        listeners = [] if users else sockets.listeners(port)
        port_users[port] = (
            *users,
            *(
                PortUser(listener.address, process=listener.name, pid=listener.pid, unit=unit_of(listener.pid))
                for listener in listeners
            ),
        )
    return ProxyFacts(
        engine.container(names.shared(host.project, "proxy")),
        atomic_file.read_json(paths.proxy_settings(host.root)) or {},
        port_users,
    )


def run_preflight(host: ProxyHost, request: ProxyRequest) -> list[Problem]:
    """Return all problems of this server. Writes only to the folder in which the proxy validates files."""
    facts = gather_facts(host, [port for _address, port in request.ports])
    result = problems(host, request, facts)
    if not result and facts.settings and is_running(host):
        try:
            result += check_foreign_files(host.root, host.proxy, host.proxy.read())
        except SwitchyardError:
            # A proxy that does not answer is repaired by the role; it is not a problem of the inventory.
            return result
    return result
