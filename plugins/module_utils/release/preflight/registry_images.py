# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the registries have the images that the release pulls.

Registries are asked only for images that the server does not have. The others need no registry that answers.
"""

from __future__ import annotations

from ...engine.models import RegistryError
from ...engine.registry_login import login_for, registry_of
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")

VARIABLE = "switchyard_image_registries"


def check(context: StackCheckContext) -> list[Problem]:
    """Return the images that do not exist, those that a registry refuses, and registries that do not answer."""
    if not context.host.asks_registries:
        return []
    problems = []
    silent: set[str] = set()
    for image in context.pulls:
        registry = registry_of(image)
        if registry in silent:
            continue
        login = login_for(image, context.ctx.host.logins)
        error = context.ctx.engine.registry_error(image, login)
        if error:
            problems.append(_problem(context, image, error, bool(login)))
        if error and error.kind == "unreachable":
            silent.add(registry)
    return problems


def _problem(context: StackCheckContext, image: str, error: RegistryError, has_login: bool) -> Problem:
    registry = registry_of(image)
    services = [name for name, service in context.services.items() if service.get("image") == image]
    # Without a service of its own, the image is mounted.
    where = f"{context.where}.compose{f'.services.{services[0]}.image' if services else ''}"
    if error.kind == "missing":
        hint = "Push it or correct its tag; users still have the version that is live"
        return Problem(where, f"{registry} does not have {image} ({error.text})", hint, "compose.image_unknown")
    if error.kind == "denied":
        change = "Correct the user and the password in" if has_login else "Add a login for it to"
        message = f"{registry} refuses {image} ({error.text})"
        return Problem(where, message, f"{change} {VARIABLE}", "compose.image_denied")
    message = f"{registry} does not answer this server, which does not have {image} ({error.text})"
    hint = "Check the registry and the network of the server; users still have the version that is live"
    return Problem("server", message, hint, "server.registry")
