# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the Compose files have no keys that a release refuses."""

from __future__ import annotations

import typing as t

from ...engine import compose_spec
from ...engine.models import Mapping
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)

# The longest value that a message repeats.
SHOWN = 60


def check(context: StackCheckContext) -> list[Problem]:
    """Return the keys of the Compose files that a release refuses."""
    return key_problems(context.normalised, context.where) + own_containers(context.normalised, context.where)


def key_problems(normalised: Mapping, where: str) -> list[Problem]:
    """Return the keys of the Compose files that a release refuses."""
    return [
        Problem(
            f"{where}.compose.{found.path}",
            f"{_shown(found.value)} is refused, also with allow: {found.fate.reason}",
            found.fate.hint,
            "compose.key_refused",
        )
        for found in compose_spec.keys_of(normalised)
        if found.fate.refuses(found.value)
    ]


def own_containers(normalised: Mapping, where: str) -> list[Problem]:
    """Return the keys that name a container of the same file by its ``container_name``, which a release replaces."""
    services = normalised.get("services", {})
    names = {service.get("container_name") for service in services.values()} - {None}
    problems = []
    for service, content in services.items():
        for key in ("network_mode", "pid", "ipc", "volumes_from", "external_links"):
            value = content.get(key)
            for item in value if isinstance(value, list) else [value]:
                # container:<name>[:<mode>], and <name>[:<alias>] in external_links
                name = str(item or "").removeprefix("container:").partition(":")[0]
                if name in names:
                    message = f"{item} is refused, also with allow: {compose_spec.OTHER_NAME}"
                    path = f"{where}.compose.services.{service}.{key}"
                    problems.append(Problem(path, message, compose_spec.ONE_CONTAINER, "compose.key_refused"))
    return problems


def _shown(value: t.Any) -> str:
    """Return a value of a Compose file in the form that a message repeats."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
