# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text diff of what a release would change."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from .. import atomic_file, names, paths
from ..engine.models import Mapping
from .context import StackContext
from .hidden_values import hidden_values, hide
from .stack_input import StackInput

# Keys of a service that differ with every release and color.
OMITTED = ("labels", "container_name", "ports")


def save_text(ctx: StackContext, number: int, text: str) -> None:
    """Save what ``readable`` returns for a release, which later releases are compared with."""
    atomic_file.write(ctx.records.path(number) / paths.READABLE, text, 0o600)


def saved_text(ctx: StackContext, number: int | None) -> str:
    """Return what a release runs as text, to compare it with another release."""
    return (atomic_file.read(ctx.records.path(number) / paths.READABLE) or "") if number else ""


def readable(ctx: StackContext, color: Mapping, workers: Mapping, spec: StackInput) -> str:
    """Return Compose projects as text, without what differs with every release.

    An environment variable may hold a secret, so its value is a digest, and so is each hidden value anywhere else.
    """
    key = atomic_file.read(paths.server_preview_key(ctx.host.root)) or ""
    services: dict[str, t.Any] = {}
    for project in (color, workers):
        for name, service in project.get("services", {}).items():
            shown = {
                item: _without_color(value, ctx.environment) for item, value in service.items() if item not in OMITTED
            }
            shown["environment"] = {
                variable: hashlib.sha256(f"{key}{value}".encode()).hexdigest()[:8]
                for variable, value in (service.get("environment") or {}).items()
                if variable != "SWITCHYARD_COLOR"
            }
            services[_without_color(name, ctx.environment)] = shown
    # Compose doubles a dollar sign, and JSON escapes quotation marks and line breaks.
    hidden = [json.dumps(value.replace("$", "$$"))[1:-1] for value in hidden_values(spec)]
    return hide(json.dumps(services, indent=2, sort_keys=True), hidden, key) + "\n"


def _without_color(value: t.Any, environment: str) -> t.Any:
    """Return a value whose names of containers do not end in a color."""
    text = json.dumps(value)
    for color in names.COLORS:
        text = re.sub(rf"-{re.escape(environment)}-{color}(?=[:\"])", f"-{environment}", text)
    return json.loads(text)


def text_diff(ctx: StackContext, before: str, after: str) -> dict[str, str]:
    """Return the diff of a module's result between two texts."""
    header = f"{ctx.stack} ({ctx.environment})"
    return {"before": before, "after": after, "before_header": f"live: {header}", "after_header": f"release: {header}"}
