# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the server has free disk space."""

from __future__ import annotations

from ...errors import Problem
from .context import HostCheckContext

NEEDS = ("engine",)


def check(context: HostCheckContext) -> list[Problem]:
    """Return the folders for images and releases with less free space than the inventory asks for."""
    hint = "Make room: 'docker system df' shows what of the engine uses it"
    return [
        Problem(
            "server",
            f"{folder} has {free / 2**30:.1f} GiB free, {context.min_free / 2**30:.1f} GiB are asked for",
            hint,
            "server.disk_space",
        )
        for folder, free in context.host.free_bytes().items()
        if free < context.min_free
    ]
