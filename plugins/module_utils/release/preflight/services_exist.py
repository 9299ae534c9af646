# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the services that the inventory names exist in the Compose files."""

from __future__ import annotations

from ...config.allowances import EVERY_SERVICE
from ...engine.compose_roles import replicas_of
from ...errors import Problem
from ...near_name import did_you_mean
from ..source_files import profiles_of_services
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the services that the inventory names and that the Compose files do not have, or not with a container."""
    stack = context.stack
    named = [(f"routes[{index}].service", route.service) for index, route in enumerate(stack.routes)]
    named += [("workers", service) for service in stack.workers]
    named += [("accessories", service) for service in stack.accessories]
    named += [("inner", service) for service in stack.inner]
    named += [("migrate and after_migrate", job.service) for job in stack.jobs]
    named += [("backup_volumes", volume.service) for volume in stack.backup_volumes if volume.service]
    named += [("allow", service) for service in stack.allow if service != EVERY_SERVICE]
    named += [("egress", service) for service in stack.egress]
    missing = [(key, service) for key, service in named if service not in context.services]
    profiles = profiles_of_services(context.ctx, context.spec) if missing else {}
    problems = [_problem(context, key, service, profiles.get(service, [])) for key, service in missing]
    running = ("routes", "workers", "accessories")
    for key, service in named:
        if key.startswith(running) and service in context.services and not replicas_of(context.normalised, service):
            hint = f"Remove {service} from {key.partition('[')[0]}, or write another number in the Compose files"
            message = f"the service {service} has no container: its scale is 0"
            problems.append(Problem(f"{context.where}.{key}", message, hint, "compose.no_containers"))
    return problems


def _problem(context: StackCheckContext, key: str, service: str, profiles: list[str]) -> Problem:
    if profiles:
        message = f"the service {service} has the inactive profile {', '.join(profiles)}"
        hint = f"Write COMPOSE_PROFILES: {profiles[0]} in variables, or remove the profile"
    else:
        message = f"the Compose files have no service {service}"
        known = f"Services there are: {', '.join(context.services) or 'none'}"
        hint = did_you_mean(service, context.services, known)
    return Problem(f"{context.where}.{key}", message, hint, "compose.service_unknown")
