# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: every service that keeps data has a declared role."""

from __future__ import annotations

import typing as t

from ...config.stack import Stack
from ...engine import compose_roles
from ...engine.models import Container, Mapping
from ...engine.stateful_services import stateful_reason
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")


def check(context: StackCheckContext) -> list[Problem]:
    """Return the stateful services without a declared role, and accessories that run on with another role."""
    files, stack, where = context.normalised, context.stack, context.where
    running = running_accessories(files, stack, where, context.ctx.containers(role="accessory"))
    return undeclared_services(files, stack, where, context.mounts.data) + running


def undeclared_services(
    normalised: Mapping, stack: Stack, where: str, folders: t.Mapping[str, t.Sequence[str]]
) -> list[Problem]:
    """Return the services that look stateful and would run once per color because the stack does not name them.

    ``folders`` are the writable folders of the stack with the services that write them.
    """
    written = {service: f"writes the folder {name}" for name, services in folders.items() for service in services}
    problems = []
    for name, role in compose_roles.roles_of(normalised, stack).items():
        reason = stateful_reason(normalised["services"][name]) or written.get(name)
        starts = compose_roles.replicas_of(normalised, name)
        if role != "inner" or name in stack.inner or not reason or not starts:
            continue
        message = f"{reason}; two colors of it at the same time can destroy its data"
        hint = (
            f"Write {_line('accessories', stack.accessories, name)} for one container that outlives releases, "
            f"{_line('workers', stack.workers, name)} for one that each release replaces, or "
            f"{_line('inner', stack.inner, name)} if it runs safely in both colors"
        )
        problems.append(Problem(f"{where}.compose.services.{name}", message, hint, "stack.service_undeclared"))
    return problems


def running_accessories(
    normalised: Mapping, stack: Stack, where: str, containers: t.Iterable[Container]
) -> list[Problem]:
    """Return the services with another role than their accessory that still runs on the server.

    ``containers`` are those of accessories of the stack.
    """
    problems = []
    for container in containers:
        service = container.label("service")
        declared = service in stack.accessories or service not in normalised.get("services", {})
        if declared or not container.running:
            continue
        message = f"{service} is not an accessory any more, and its accessory {container.name} still runs"
        hint = (
            f"Write {_line('accessories', stack.accessories, service)} again, or end it before the release: "
            f"docker stop {container.name}"
        )
        problems.append(Problem(f"{where}.accessories", message, hint, "stack.accessory_running"))
    return problems


def _line(key: str, services: t.Sequence[str], name: str) -> str:
    return f"{key}: [{', '.join([*services, name])}]"
