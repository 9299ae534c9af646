# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices: where the relative paths of a stack's Compose files are in a release. A notice does not stop a release."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ... import paths
from ..mount_plan import MountPlan
from .file_changes import Notice


def volume_notices(volumes: t.Iterable[tuple[str, str]], where: str) -> list[Notice]:
    """Return the volumes of images that end with a color: services with the paths of such volumes."""
    text = "is a volume of the image that ends with its color: mount a named volume there for data"
    return [Notice(f"{where}.compose.services.{service}.volumes", f"{path} {text}") for service, path in volumes]


def mount_changes(plan: MountPlan, folder: Path, where: str) -> list[Notice]:
    """Return the mounts that are left out, mounted read-only, or kept by the server; ``folder`` is the stack's."""
    left_out = (
        "not mounted, because the Compose file is in it: the image's own files are used. With :ro, each release mounts "
        "a copy"
    )
    read_only = "mounted read-only: each release mounts the file of the source folder"
    kept = f"in {paths.data_folder(folder)} on the server: no release overwrites it"
    found = [(service, name, left_out) for service, name in plan.left_out]
    found += [(service, name, read_only) for service, name in plan.made_read_only]
    found += [(service, name, kept) for name, services in plan.data.items() for service in services]
    return [Notice(f"{where}.compose.services.{service}.volumes", message, name) for service, name, message in found]
