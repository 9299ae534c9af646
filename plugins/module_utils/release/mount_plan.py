# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the mounted files of a stack are on a server: the fate of each relative path of its Compose files. Pure.

| relative path | on the server |
|---|---|
| file, or folder with ``read_only`` | a copy by the digest of its content, mounted read-only |
| writable folder | a folder of the stack that outlives its releases |
| writable folder that contains the Compose file | left out |
"""

from __future__ import annotations

import copy
import typing as t
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .. import paths
from .source_files import PLACEHOLDER, Normalised
from .source_tree import SourceTree


@dataclass(frozen=True)
class MountPlan:
    """The normalised files with paths of the server, and what these paths need.

    ``content`` has the digest of each path that travels with the release. ``data`` are the writable folders with the
    services that write them; ``left_out`` and ``made_read_only`` are services and paths.
    """

    normalised: Normalised
    content: t.Mapping[str, str]
    data: t.Mapping[str, tuple[str, ...]]
    left_out: tuple[tuple[str, str], ...] = ()
    made_read_only: tuple[tuple[str, str], ...] = ()


def own_name(path: t.Any) -> str | None:
    """Return a path of the stack's own files relative to ``source.path``, or None for any other path."""
    if path == PLACEHOLDER:
        return ""
    text = str(path)
    return text[len(PLACEHOLDER) + 1 :] if text.startswith(f"{PLACEHOLDER}/") else None


def plan_mounts(normalised: Normalised, tree: SourceTree, compose: t.Sequence[str], folder: Path) -> MountPlan:
    """Return where the relative paths of normalised files are on the server; ``folder`` is the folder of the stack."""
    planner = _Planner(tree, compose[0] if compose else "docker-compose.yml", folder)
    result = copy.deepcopy(normalised)
    for name, service in result.get("services", {}).items():
        mounts = [planner.mount(name, mount) for mount in service.get("volumes", [])]
        if mounts:
            service["volumes"] = [mount for mount in mounts if mount]
    for config in result.get("configs", {}).values():
        own = own_name(config.get("file"))
        if own is not None:
            config["file"] = planner.content_path(own)
    for volume in result.get("volumes", {}).values():
        options = (volume or {}).get("driver_opts") or {}
        own = own_name(options.get("device"))
        if own is not None:
            options["device"] = planner.data_path(own, "")
    data = {name: tuple(filter(None, services)) for name, services in planner.data.items()}
    return MountPlan(result, planner.content, data, tuple(planner.left_out), tuple(planner.made_read_only))


class _Planner:
    def __init__(self, tree: SourceTree, compose: str, folder: Path) -> None:
        self.tree, self.compose, self.folder = tree, compose, folder
        self.content: dict[str, str] = {}
        self.data: dict[str, list[str]] = {}
        self.left_out: list[tuple[str, str]] = []
        self.made_read_only: list[tuple[str, str]] = []

    def mount(self, service: str, mount: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        """Return a mount with its path on the server, or None where it is left out."""
        name = own_name(mount.get("source")) if mount.get("type") == "bind" else None
        if name is None:
            return dict(mount)
        if self.tree.is_file(name) or mount.get("read_only"):
            if not mount.get("read_only"):
                self.made_read_only.append((service, name))
            return {**mount, "source": self.content_path(name), "read_only": True}
        if not name or self.compose.startswith(f"{name}/"):
            self.left_out.append((service, name or "."))
            return None
        return {**mount, "source": self.data_path(name, service)}

    def content_path(self, name: str) -> str:
        self.content[name] = self.tree.digest(name)
        return str(paths.content_file(self.folder, self.content[name], PurePosixPath(name).name))

    def data_path(self, name: str, service: str) -> str:
        self.data.setdefault(name, []).append(service)
        return str(paths.data_folder(self.folder) / name)
