# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive of ``docker save`` without the layers that a server has. For the controller only.

An engine that loads an archive does not read a layer that it has already (moby, image/tarexport/load.go). A server with
containerd's image store reads all of them.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
import typing as t
from pathlib import Path

# The layers of an image from the lowest on: what an engine knows a layer by.
Chain = tuple[str, ...]

# What DriverStatus of ``docker info`` names where containerd keeps the images.
CONTAINERD = "io.containerd.snapshotter"

# Run on a server by a shell: what keeps the images, and the layers of each one.
LAYERS_COMMAND = (
    "docker info --format '{{json .DriverStatus}}' && "
    "docker image ls --no-trunc --quiet | sort -u | xargs -r docker image inspect --format '{{json .RootFS.Layers}}'"
)


def known_layers(output: str) -> frozenset[Chain]:
    """Return the layers of a server from the output of LAYERS_COMMAND; none where it has to get all of them."""
    driver, *images = output.strip().splitlines() or [""]
    if CONTAINERD in driver:
        return frozenset()
    chains: set[Chain] = set()
    for line in images:
        layers = json.loads(line) or []
        chains.update(tuple(layers[: count + 1]) for count in range(len(layers)))
    return frozenset(chains)


def unneeded_layers(archive: tarfile.TarFile, known: t.Collection[Chain]) -> set[str]:
    """Return the members of an archive that hold layers of ``known``, and of nothing else."""
    unneeded: set[str] = set()
    needed: set[str] = set()
    for image in _json(archive, "manifest.json"):
        layers = _json(archive, image["Config"])["rootfs"]["diff_ids"]
        for index, path in enumerate(image["Layers"]):
            (unneeded if tuple(layers[: index + 1]) in known else needed).add(path)
    links = [member for member in archive.getmembers() if member.issym()]
    targets = {posixpath.normpath(posixpath.join(posixpath.dirname(one.name), one.linkname)) for one in links}
    return unneeded - needed - targets


def _json(archive: tarfile.TarFile, name: str) -> t.Any:
    file = archive.extractfile(name)
    if not file:
        raise ValueError(f"{name} is not a file of the archive")
    return json.load(file)


def copy_without_layers(source: t.IO[bytes], target: Path, known: t.Collection[Chain]) -> int:
    """Write a compressed copy of an archive without the layers of ``known``; return its size in bytes."""
    with tarfile.open(fileobj=source) as archive, tarfile.open(target, "w:gz", compresslevel=1) as result:
        left_out = unneeded_layers(archive, known)
        for member in archive:
            if member.name not in left_out:
                result.addfile(member, archive.extractfile(member) if member.isfile() else None)
    return target.stat().st_size
