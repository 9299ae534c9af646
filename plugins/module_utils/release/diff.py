# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text diff of what a release would change."""

from __future__ import annotations

import hashlib
import json
import typing as t

from .. import atomic_file, names, paths
from .context import StackContext

# Keys of a service that differ with every release and color.
OMITTED = ("labels", "container_name", "ports")


def rendered_text(ctx: StackContext, number: int | None, color: str | None) -> str:
    """Return what a release runs as text, to compare it with another release."""
    if not number or not color:
        return ""
    folder = ctx.records.path(number)
    parts = {
        "color": atomic_file.read_json(paths.compose_file(folder, color)),
        "workers": atomic_file.read_json(paths.compose_file(folder, "workers")),
    }
    return readable(ctx, {name: content for name, content in parts.items() if content})


def readable(ctx: StackContext, parts: dict[str, t.Any]) -> str:
    """Return Compose projects as text, without what differs with every release.

    An environment variable may hold a secret, so its value is a digest.
    """
    key = atomic_file.read(paths.server_preview_key(ctx.host.root)) or ""
    services: dict[str, t.Any] = {}
    for content in parts.values():
        for name, service in content.get("services", {}).items():
            base_name = name
            for color in names.COLORS:
                base_name = base_name.removesuffix(f"-{color}")
            shown = {item: value for item, value in service.items() if item not in OMITTED}
            shown["environment"] = {
                variable: hashlib.sha256(f"{key}{value}".encode()).hexdigest()[:8]
                for variable, value in (service.get("environment") or {}).items()
                if variable != "SWITCHYARD_COLOR"
            }
            services[base_name] = shown
    return json.dumps(services, indent=2, sort_keys=True) + "\n"


def text_diff(ctx: StackContext, before: str, after: str) -> dict[str, str]:
    """Return the diff of a module's result between two texts."""
    header = f"{ctx.stack} ({ctx.environment})"
    return {"before": before, "after": after, "before_header": f"live: {header}", "after_header": f"release: {header}"}
