# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose files of a stack as a release on this server runs them, and the accessories that it recreates."""

from __future__ import annotations

import typing as t

from .. import names
from ..config.stack import Stack
from ..engine.anonymous_volumes import name_volumes, unmounted
from ..engine.compose_digests import LABEL
from ..engine.compose_roles import roles_of
from ..engine.models import Mapping
from .context import StackContext
from .mount_plan import MountPlan


def effective_files(ctx: StackContext, plan: MountPlan, stack: Stack, images: t.Mapping[str, str]) -> Mapping:
    """Return the normalised files with paths of the server, and with a name for each volume of an accessory.

    ``images`` are pinned names by name; the volumes of an image that is not on the server are not known.
    """
    return name_volumes(plan.normalised, _image_volumes(ctx, plan, stack, images, "accessory"))


def volumes_of_colors(
    ctx: StackContext, plan: MountPlan, stack: Stack, images: t.Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the services of colors whose image declares a volume that they do not mount, each with its path."""
    services = plan.normalised["services"]
    found = _image_volumes(ctx, plan, stack, images, "routed", "inner")
    return [(name, path) for name, paths in found.items() for path in unmounted(services[name], paths)]


def _image_volumes(
    ctx: StackContext, plan: MountPlan, stack: Stack, images: t.Mapping[str, str], *roles: str
) -> dict[str, tuple[str, ...]]:
    """Return the paths that the images of services declare as volumes, for the services with these roles."""
    chosen = [name for name, role in roles_of(plan.normalised, stack).items() if role in roles]
    names_of_images = {name: images.get(plan.normalised["services"][name].get("image", "")) for name in chosen}
    found = {name: ctx.engine.image(image) for name, image in names_of_images.items() if image}
    volumes = {name: image.volumes for name, image in found.items() if image}
    return {name: volumes.get(name, ()) for name in chosen}


def changed_accessories(ctx: StackContext, rendered: Mapping) -> list[str]:
    """Return the services of accessories that run with another definition, secret or file than the rendered project."""
    labels = [service["labels"] for service in rendered.get("services", {}).values()]
    digests = {label[f"{names.LABEL}service"]: label[f"{names.LABEL}{LABEL}"] for label in labels}
    running = {item.label("service"): item.label(LABEL) for item in ctx.containers(role="accessory")}
    return sorted(name for name, digest in digests.items() if running.get(name, digest) != digest)
