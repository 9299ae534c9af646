# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What normalised Compose files take from outside of their containers, and the allowances for it. Pure.

``compose_spec.py`` has the keys with the fate ``needs allow``; ``config/allowances.py`` has the words.
"""

from __future__ import annotations

import posixpath
import re
import typing as t
from dataclasses import dataclass

from ..config import allowances
from . import compose_build, compose_spec
from .container_limits import CAPABILITIES, NO_NEW_PRIVILEGES, capability
from .models import Mapping

# A client of the socket has all rights on the server.
DOCKER_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")

# Security options that take no protection away.
HARMLESS_OPTIONS = (NO_NEW_PRIVILEGES, "apparmor=docker-default", "seccomp=builtin")

HOOKS = ("post_start", "pre_start", "pre_stop")

# The keys of a service that have one value, which an allowance repeats: ``pid host``.
VALUES = ("pid", "ipc", "uts", "userns_mode", "cgroup", "network_mode", "cgroup_parent", "runtime")

IsOwn = t.Callable[[str], bool]


@dataclass(frozen=True)
class OutsideAccess:
    """One value of a service that reaches out of its container: the key's path in the files, and the value.

    Each of ``allowances`` is enough, the closest one is the first.
    """

    service: str
    path: str
    value: str
    allowances: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """What the service would reach."""
        word = allowances.WORDS.get(self.allowances[0].partition(" ")[0])
        return word.meaning if word else "a path of the server"


def find(normalised: Mapping, is_own: IsOwn) -> list[OutsideAccess]:
    """Return everything that the services take from outside of their containers, service by service.

    ``is_own`` returns whether a path is one of the stack's own files.
    """
    return [
        OutsideAccess(name, path, value, enough)
        for name, service in normalised.get("services", {}).items()
        for path, value, enough in _of_service(name, service, normalised, is_own)
    ]


Found = tuple[str, str, tuple[str, ...]]


def _of_service(name: str, service: Mapping, normalised: Mapping, is_own: IsOwn) -> t.Iterator[Found]:
    """Yield the path, the value and the allowances of each access of a service."""
    where = f"services.{name}"
    for key in VALUES:
        value, fate = service.get(key), compose_spec.SERVICE[key]
        if value and value not in fate.harmless and not fate.refuses(value):
            yield f"{where}.{key}", value, (f"{key} {value}",)
    for key in ("privileged", "use_api_socket", "gpus"):
        if service.get(key):
            word = {"use_api_socket": "docker_socket", "gpus": "gpu"}.get(key, key)
            yield f"{where}.{key}", "true", (word,)
    for hook in HOOKS:
        if any(item.get("privileged") for item in service.get(hook) or ()):
            yield f"{where}.{hook}", "privileged", ("privileged",)
    for key, word, canonical in LISTS:
        for item in service.get(key) or ():
            value = canonical(item)
            if value:
                yield f"{where}.{key}", value, (f"{word} {value}",)
    resources = (service.get("deploy") or {}).get("resources") or {}
    if (resources.get("reservations") or {}).get("devices"):
        yield f"{where}.deploy.resources", "devices", ("gpu",)
    for mount in service.get("volumes") or ():
        yield from _of_mount(f"{where}.volumes", mount, normalised.get("volumes") or {}, is_own)
    if compose_build.is_built(service):
        yield from _of_build(f"{where}.build", service["build"], is_own)
    for network in service.get("networks") or ():
        given = (normalised.get("networks") or {}).get(network) or {}
        if given.get("external"):
            server = given.get("name", network)
            yield f"{where}.networks.{network}", server, (f"network {server}",)
    for config in service.get("configs") or ():
        file = ((normalised.get("configs") or {}).get(config["source"]) or {}).get("file")
        if file and not is_own(file):
            yield f"{where}.configs.{config['source']}", file, _of_path(file, read_only=True)


def _of_mount(where: str, mount: Mapping, volumes: Mapping, is_own: IsOwn) -> t.Iterator[Found]:
    """Yield what a mount of a service takes from the server."""
    source, read_only = str(mount.get("source") or ""), bool(mount.get("read_only"))
    if mount.get("type") == "bind":
        if not is_own(source):
            yield where, source, _of_path(source, read_only)
        return
    volume = volumes.get(source) or {}
    if mount.get("type") != "volume" or not volume:
        return
    options = volume.get("driver_opts") or {}
    flags = str(options.get("o", "")).split(",")
    if volume.get("external"):
        name = str(volume.get("name", source))
        yield where, name, (f"volume {name}",)
    elif volume.get("driver", "local") != "local":
        yield where, f"the driver {volume['driver']} of {source}", (f"volume_driver {source}",)
    elif options.get("type") == "tmpfs" and options.get("device", "tmpfs") == "tmpfs":
        return
    elif {"bind", "rbind"}.intersection(flags) and str(options.get("device", "")).startswith("/"):
        if not is_own(options["device"]):
            yield where, options["device"], _of_path(options["device"], read_only or "ro" in flags)
    elif options:
        yield where, f"the driver options of {source}", (f"volume_driver {source}",)


def _of_build(where: str, build: Mapping, is_own: IsOwn) -> t.Iterator[Found]:
    """Yield what a build of an image takes from the machine that builds, or from other places."""
    network = build.get("network")
    fate = compose_spec.BUILD["network"]
    if network and network not in fate.harmless and not fate.refuses(network):
        yield f"{where}.network", network, (f"build_network {network}",)
    if build.get("privileged"):
        yield f"{where}.privileged", "true", ("build_privileged",)
    for key, word in (("entitlements", "build_entitlement"), ("ssh", "build_ssh")):
        for value in build.get(key) or ():
            yield f"{where}.{key}", str(value), (f"{word} {value}",)
    for key, path in compose_build.contexts_of(build):
        # The check of builds reports a relative Dockerfile that leads out of the source.
        relative = key == "dockerfile" and not posixpath.isabs(str(build["dockerfile"]))
        if path and not is_own(path) and not compose_build.is_service(path) and not relative:
            yield f"{where}.{key}", path, (f"build_context {path}",)


def _of_path(path: str, read_only: bool) -> tuple[str, ...]:
    """Return the allowances for a path of the server.

    A path with ``..`` keeps it and so matches no allowance: the engine would resolve it after it was compared.
    """
    normal = path if ".." in path.split("/") else re.sub("^//", "/", posixpath.normpath(path))
    if normal in DOCKER_SOCKETS:
        return ("docker_socket",)
    return (f"read_only {normal}", normal) if read_only else (normal,)


def _capability(item: str) -> str:
    name = capability(item)
    return "" if name in CAPABILITIES else name


def _device(item: t.Any) -> str:
    return str(item.get("source") if isinstance(item, dict) else item.split(":")[0])


def _security_option(item: str) -> str:
    name, dummy, value = item.replace(":", "=", 1).partition("=") if "=" not in item else item.partition("=")
    option = f"{name}={value}" if value else name
    return "" if name in HARMLESS_OPTIONS or option in HARMLESS_OPTIONS else option


def _container(item: str) -> str:
    """Return the container of ``container:name[:mode]``; a service of the files is refused by the table."""
    return item.split(":")[1] if item.startswith("container:") else ""


def _linked(item: str) -> str:
    return item.split(":")[0]


# Key of a service, its word, and the function that returns the value of an item; empty: the item needs no allowance.
LISTS: tuple[tuple[str, str, t.Callable[[t.Any], str]], ...] = (
    ("cap_add", "capability", _capability),
    ("devices", "device", _device),
    ("device_cgroup_rules", "device_cgroup_rule", str),
    ("security_opt", "security_opt", _security_option),
    ("volumes_from", "volumes_from", _container),
    ("external_links", "external_link", _linked),
)
