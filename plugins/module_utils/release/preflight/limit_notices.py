# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices: rights and limits that the containers of a stack have or lack. A notice does not stop a release."""

from __future__ import annotations

import typing as t

from ...engine import container_limits
from ...engine.models import Image, Mapping
from .file_changes import Notice
from .notice_groups import listed

ROOT = ("0", "root")


def limit_notices(normalised: Mapping, images: t.Mapping[str, Image], where: str) -> list[Notice]:
    """Return one line for what a release adds, and one for each kind of risk with the services that have it.

    ``images`` are those on the server, by their name in the files.
    """
    services = normalised.get("services", {})
    if not services:
        return []
    lines = [
        f"{container_limits.NO_NEW_PRIVILEGES}, pids_limit {container_limits.PIDS} and cap_drop ALL with cap_add "
        f"{', '.join(container_limits.CAPABILITIES)} are added where the files do not set them"
    ]
    for has_risk, one, several, advice in (
        (lambda service: is_root(service, images), "runs as root", "run as root", "Write user, or USER in the image"),
        (
            lambda service: not service.get("read_only"),
            "can write to the files of its image",
            "can write to the files of their image",
            "Write read_only: true",
        ),
        (lambda service: not memory_limit(service), "has no memory limit", "have no memory limit", "Write mem_limit"),
    ):
        names = [name for name, service in services.items() if has_risk(service)]
        lines += [f"{listed(names)} {several if len(names) > 1 else one}. {advice}"] if names else []
    return [Notice(f"{where}.compose", line, code="compose.limits") for line in lines]


def is_root(service: Mapping, images: t.Mapping[str, Image]) -> bool:
    """Return whether a service is known to run as root; the user of a missing image is not known."""
    user = service.get("user")
    if user:
        return str(user).split(":", maxsplit=1)[0] in ROOT
    image = images.get(service.get("image") or "")
    return image is not None and image.user == 0


def memory_limit(service: Mapping) -> t.Any:
    """Return the memory that a service may use, or nothing."""
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    return service.get("mem_limit") or limits.get("memory")
