# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: every image has a fixed version."""

from __future__ import annotations

from ...engine.models import floating_tag_reason
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)

FIXED = "Write a fixed tag or a digest, as app:1.2"


def check(context: StackCheckContext) -> list[Problem]:
    """Return the services without an image, and the images whose name can mean another version tomorrow."""
    problems = []
    for name, service in context.services.items():
        where, image = f"{context.where}.compose.services.{name}.image", service.get("image") or ""
        reason = floating_tag_reason(image)
        if not image and service.get("provider"):
            continue  # refused by itself
        if not image:
            hint = "Name an image with a fixed tag, as registry/app:1.2, or add build"
            problems.append(Problem(where, "is missing", hint, "compose.image_missing"))
        elif reason:
            problems.append(Problem(where, f"{image} {reason}", FIXED, "compose.image_not_fixed"))
        for mount in service.get("volumes") or ():
            reason = floating_tag_reason(mount["source"]) if mount.get("type") == "image" else None
            if reason:
                where = f"{context.where}.compose.services.{name}.volumes"
                problems.append(Problem(where, f"{mount['source']} {reason}", FIXED, "compose.image_not_fixed"))
    return problems
