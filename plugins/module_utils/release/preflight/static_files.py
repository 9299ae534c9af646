# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the proxy of this server serves the files of ``static``."""

from __future__ import annotations

from ... import names
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("engine", "proxy")


def check(context: StackCheckContext) -> list[Problem]:
    """Return a problem when the proxy does not serve files, or does not mount a volume of ``static``."""
    ctx, static = context.ctx, context.stack.static
    if not static:
        return []
    if not ctx.proxy.serves_files:
        hint = "Give them a service that does, or take nginx in a container"
        message = "this proxy serves no files of its own"
        return [Problem(f"{context.where}.static", message, hint, "stack.static_unsupported")]
    mounted = ctx.proxy.volumes()
    volumes = [names.volume(ctx.project, ctx.stack, item.volume, ctx.environment) for item in static]
    return [
        Problem(
            f"{context.where}.static[{index}].volume",
            f"the proxy does not have the volume {volume}",
            "Run setup.yml",
            "stack.static_volume",
        )
        for index, volume in enumerate(volumes)
        if volume not in mounted
    ]
