# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release in one line: its number, its version, since when and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.models import tag_of
from .record import Record


@dataclass(frozen=True)
class ReleaseLine:
    """A release of a stack: its number, its version, when it ended (seconds since the epoch), and who started it."""

    number: int
    version: str
    since: float | None
    holder: str


def release_line(record: Record | None) -> ReleaseLine | None:
    """Return a release as lists show it; None without a record."""
    return ReleaseLine(record.number, version_of(record), record.finished, record.holder) if record else None


def version_of(record: Record) -> str:
    """Return the tags of the images of a release's routed services, each once: what users call its version."""
    routed = [record.service_images.get(route.service, "") for route in record.stack.routes]
    images = [image for image in routed if image] or list(record.images)
    return ", ".join(dict.fromkeys(tag_of(image) or "latest" for image in images)) or "-"
