# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: what a stack's Compose files must not contain."""

from __future__ import annotations

import re
import typing as t

from ...config.stack import Stack
from ...engine.compose_render import Mapping
from ...errors import Problem

# [registry[:port]/]name[:tag][@digest]; a colon before a slash belongs to a port (distribution/reference grammar).
_TAG = re.compile(r":(?P<tag>[\w][\w.-]{0,127})\Z")


def floating_tag_reason(image: str) -> str | None:
    """Return why an image name fixes no version, or None when it does (a tag that is not ``latest``, or a digest)."""
    if "@sha256:" in image:
        return None
    tag = _TAG.search(image)
    if not tag:
        return "has no tag"
    return "is tagged latest" if tag["tag"] == "latest" else None


def problems(
    normalised: Mapping, stack: Stack, where: str, secrets: t.Iterable[str], exists: t.Callable[[str], bool]
) -> list[Problem]:
    """Return everything in the Compose files that a release cannot work with.

    ``secrets`` are the names the inventory gives a value to; ``exists`` says whether a path is there.
    """
    found = []
    services = normalised.get("services", {})
    known = ", ".join(services) or "none"

    def problem(ctx: str, message: str, hint: str, code: str) -> None:
        found.append(Problem(f"{where}.{ctx}", message, hint, code))

    named = [(f"routes[{index}].service", route.service) for index, route in enumerate(stack.routes)]
    for kind, names_of_kind in (("workers", stack.workers), ("accessories", stack.accessories)):
        named += [(kind, service) for service in names_of_kind]
    named += [("migrate and after_migrate", job.service) for job in stack.jobs]
    for ctx, service in named:
        if service not in services:
            problem(
                ctx,
                f"the Compose files have no service {service}",
                f"Services there are: {known}",
                code="compose.service_unknown",
            )
    used: set[str] = set()
    for name, service in services.items():
        ctx = f"compose.services.{name}"
        image = service.get("image", "")
        if not image:
            problem(
                f"{ctx}.image",
                "is missing",
                "Name a built image with a fixed tag, as registry/app:1.2",
                code="compose.image_missing",
            )
        elif floating_tag_reason(image):
            problem(
                f"{ctx}.image",
                f"{image} {floating_tag_reason(image)}",
                "Write a fixed tag or a digest, as app:1.2",
                code="compose.image_not_fixed",
            )
        used |= {secret["source"] for secret in service.get("secrets", [])}
        for mount in service.get("volumes", []):
            if mount.get("type") == "bind" and not exists(mount["source"]):
                hint = "List the file under files, use a named volume, or make the folder on the server"
                problem(
                    f"{ctx}.volumes", f"{mount['source']} is not on the server", hint, code="compose.bind_mount_missing"
                )
    volumes = [name for name, given in normalised.get("volumes", {}).items() if not (given or {}).get("external")]
    for index, static in enumerate(stack.static):
        if static.volume not in volumes:
            message = f"the Compose files make no volume {static.volume}"
            problem(
                f"static[{index}].volume",
                message,
                f"Volumes there are: {', '.join(sorted(volumes)) or 'none'}",
                code="compose.volume_unknown",
            )
    for name in sorted(used - set(secrets)):
        problem(
            f"secrets.{name}",
            "the Compose files use it, but it has no value",
            "Give it one, from a vault",
            code="stack.secret_without_value",
        )
    for name in sorted(set(secrets) - used):
        problem(
            f"secrets.{name}",
            "no service of the Compose files uses it",
            "Add it to a service's secrets",
            code="stack.secret_not_used",
        )
    return found
