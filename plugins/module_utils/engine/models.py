# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, images, networks and volumes as the engine reports them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .. import names

if t.TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Container:
    """One container as the engine sees it now."""

    id: str
    name: str
    state: str
    health: str | None
    restarts: int
    exit_code: int
    labels: t.Mapping[str, str]
    addresses: t.Mapping[str, str]
    image: str
    # Of its first process on the server; 0 where none runs.
    pid: int = 0
    volumes: tuple[str, ...] = ()
    # The folder of the server behind each path that is mounted.
    mounts: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether it runs and is not about to be restarted."""
        return self.state == "running"

    def label(self, name: str) -> str:
        """Return one of our labels, or an empty text."""
        return self.labels.get(names.LABEL + name, "")


@dataclass(frozen=True)
class LabelledResource:
    """A network or a volume of ours, with our labels, and the containers that use it, running or not."""

    name: str
    labels: t.Mapping[str, str]
    users: tuple[str, ...]

    def label(self, name: str) -> str:
        """Return one of our labels, or an empty text."""
        return self.labels.get(names.LABEL + name, "")


@dataclass(frozen=True)
class Image:
    """An image on this server: its content's id, the name a registry knows it by, and its numeric user."""

    id: str
    digest: str | None
    user: int | None

    @property
    def pinned(self) -> str:
        """A name that can only mean this content."""
        return self.digest or self.id


def repository_of(image: str) -> str:
    """Return the repository in an image's name, in the short form in which the engine keeps it.

    The engine calls ``docker.io/library/redis`` plainly ``redis`` (distribution/reference, "familiar name").
    """
    repository = image.split("@")[0]
    head, separator, tail = repository.rpartition(":")
    repository = head if separator and "/" not in tail else repository
    for prefix in ("index.docker.io/", "docker.io/"):
        repository = repository[len(prefix) :] if repository.startswith(prefix) else repository
    official = "library/"
    return repository[len(official) :] if repository.startswith(official) else repository
