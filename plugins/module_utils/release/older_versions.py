# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions of a deploy are older than the live ones."""

from __future__ import annotations

import typing as t

from ..config.stack import Stack
from ..engine.models import repository_of, tag_of
from . import versions
from .record import Record


def older_versions(live: Record | None, stack: Stack, images: t.Mapping[str, str]) -> tuple[str, ...]:
    """Return what becomes older than in the live release, as ``<name>: <live version> -> <older version>``.

    ``images`` are the names in the Compose files by service. A name is a repository of images, or the Git repository of
    the stack. Tags without an order are left out, see ``versions``.
    """
    if not live:
        return ()
    found = []
    for service, image in images.items():
        before = live.service_images.get(service, "")
        if repository_of(before) == repository_of(image):
            found += _step_back(repository_of(image), tag_of(before), tag_of(image))
    source, own = live.stack.source, stack.source
    if own.git and own.git == source.git:
        found += _step_back(own.git, source.version or "", own.version or "")
    return tuple(dict.fromkeys(found))


def _step_back(name: str, before: str, after: str) -> list[str]:
    return [f"{name}: {before} -> {after}"] if versions.compare(after, before) == -1 else []
