# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: every service that keeps data has a declared role."""

from __future__ import annotations

import typing as t

from ...config.stack import Stack
from ...engine import compose_roles
from ...engine.compose_dependencies import STARTED, dependencies_of
from ...engine.models import Container, Mapping
from ...engine.stateful_services import keeper_of, stateful_reason, written_data
from ...errors import Problem
from ..source_files import is_own
from .context import StackCheckContext
from .file_changes import Notice

NEEDS = ("compose", "engine")

# The writable folders of a stack, each with the services that write it
Folders = t.Mapping[str, t.Sequence[str]]


def check(context: StackCheckContext) -> list[Problem]:
    """Return the stateful services whose role is missing or wrong, and accessories that run on with another role."""
    files, stack, where = context.normalised, context.stack, context.where
    running = running_accessories(files, stack, where, context.ctx.containers(role="accessory"))
    folders = context.mounts.data
    return undeclared_services(files, stack, where, folders) + routed_stores(files, stack, where, folders) + running


def undeclared_services(normalised: Mapping, stack: Stack, where: str, folders: Folders) -> list[Problem]:
    """Return the services that look stateful, or whose command ends, and would run once per color undeclared."""
    problems = []
    roles = compose_roles.roles_of(normalised, stack)
    for name, role in roles.items():
        reason = stateful_reason(normalised["services"][name], is_own) or next(_folders_of(name, folders), None)
        starts = compose_roles.replicas_of(normalised, name)
        if role != "inner" or name in stack.inner or not starts:
            continue
        if compose_roles.is_never_restarted(normalised["services"][name]):
            problems.append(_never_restarted(stack, where, name))
            continue
        if not reason:
            continue
        message = f"{reason}; two colors of it at the same time can destroy its data"
        late = _starts_late(normalised, roles, name)
        accessory = f"{_line('accessories', stack.accessories, name)} for one container that outlives releases, "
        hint = (
            f"Write {'' if late else accessory}"
            f"{_line('workers', stack.workers, name)} for one that each release replaces, or "
            f"{_line('inner', stack.inner, name)} if it runs safely in both colors"
        )
        hint += f". It waits for {late}, so it cannot be an accessory" if late else ""
        problems.append(Problem(f"{where}.compose.services.{name}", message, hint, "stack.service_undeclared"))
    return problems


def _never_restarted(stack: Stack, where: str, name: str) -> Problem:
    """Return the problem of a service whose command probably ends: a color with it would never be healthy."""
    jobs = [*(job.service for job in stack.after_migrate), name]
    after = f"after_migrate: [{', '.join(f'{{service: {service}}}' for service in jobs)}]"
    migrate = "" if stack.migrate else f"migrate: {{service: {name}}} or "
    return Problem(
        f"{where}.compose.services.{name}",
        "is never restarted in the Compose file; a release that waits for it would fail when its command ends",
        f"Write {migrate}{after} for a command that runs once per release, or "
        f"{_line('inner', stack.inner, name)} if it runs on",
        "stack.service_undeclared",
    )


def _starts_late(normalised: Mapping, roles: t.Mapping[str, str], name: str) -> str:
    """Return the service whose end or health another one needs although it starts after accessories, or nothing."""
    if keeper_of(normalised["services"][name].get("image") or ""):
        return ""
    waits = [one for one in dependencies_of(normalised) if one.service == name and one.required]
    needed = [one.other for one in waits if one.condition != STARTED]
    return next((other for other in needed if roles[other] in ("one-shot", "routed", "worker")), "")


def routed_stores(normalised: Mapping, stack: Stack, where: str, folders: Folders) -> list[Problem]:
    """Return the routed services that are data stores and would have two containers on the same data."""
    problems = []
    for name, written in _written_by_routed(normalised, stack, folders):
        store = keeper_of(normalised["services"][name].get("image") or "")
        if store and written:
            message = f"has the image of a data store ({store}) and {written[0]}; both colors of it would write there"
            hint = (
                f"Write {_line('accessories', stack.accessories, name)}, and give the route to a service that passes "
                f"requests on to {name}, such as an nginx of the stack"
            )
            problems.append(Problem(f"{where}.compose.services.{name}", message, hint, "stack.data_store_routed"))
    return problems


def shared_data(normalised: Mapping, stack: Stack, where: str, folders: Folders) -> list[Notice]:
    """Return what routed services write in both colors at the same time, while a release has two of them."""
    text = "both colors write it while a release runs: safe for files, and not for a database in a file, as SQLite"
    return [
        Notice(f"{where}.compose.services.{name}.volumes", text, found.partition(" ")[2])
        for name, written in _written_by_routed(normalised, stack, folders)
        for found in written
    ]


def _written_by_routed(normalised: Mapping, stack: Stack, folders: Folders) -> t.Iterator[tuple[str, list[str]]]:
    """Yield the routed services, each with what it writes."""
    for name, role in compose_roles.roles_of(normalised, stack).items():
        if role == "routed":
            yield name, [*written_data(normalised["services"][name], is_own), *_folders_of(name, folders)]


def _folders_of(service: str, folders: Folders) -> t.Iterator[str]:
    """Yield the writable folders of the stack that a service writes."""
    return (f"writes the folder {name}" for name, services in folders.items() if service in services)


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
