# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that the server runs images of the platform that a service asks for."""

from __future__ import annotations

from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")

# The engine's names of architectures (Go's GOARCH), by their names in uname (containerd, platforms/database.go)
ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "i386": "386"}


def check(context: StackCheckContext) -> list[Problem]:
    """Return the services with the platform of another kind of server: the release pulls images of this one."""
    asked = {name: service["platform"] for name, service in context.services.items() if service.get("platform")}
    if not asked:
        return []
    own = context.ctx.engine.platform()
    return [
        Problem(
            f"{context.where}.compose.services.{name}.platform",
            f"{name} needs {platform}, and the server runs images of {own}",
            "Remove platform, or build or choose an image for this server",
            "compose.platform",
        )
        for name, platform in asked.items()
        if plain(platform) != plain(own)
    ]


def plain(platform: str) -> str:
    """Return a platform as ``linux/amd64``: without its variant, with the engine's name of the architecture.

    One word is an architecture of Linux (containerd, platforms.Parse).
    """
    parts = platform.lower().split("/")
    system, architecture = (parts[0], parts[1]) if len(parts) > 1 else ("linux", parts[0])
    return f"{system}/{ARCHITECTURES.get(architecture, architecture)}"
