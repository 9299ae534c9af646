# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the services that the inventory names exist in the Compose files."""

from __future__ import annotations

import typing as t

from ...config.allowances import EVERY_SERVICE
from ...engine.compose_roles import replicas_of
from ...errors import Problem
from ...near_name import did_you_mean
from ..source_files import active_profiles, profiles_of_services
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
    needed = {service: profiles[service] for _key, service in missing if profiles.get(service)}
    active = [*active_profiles(context.spec), *covering(needed)]
    problems = [_problem(context, key, service, profiles.get(service, []), active) for key, service in missing]
    running = ("routes", "workers", "accessories")
    for key, service in named:
        if key.startswith(running) and service in context.services and not replicas_of(context.normalised, service):
            hint = f"Remove {service} from {key.partition('[')[0]}, or write another number in the Compose files"
            message = f"the service {service} has no container: its scale is 0"
            problems.append(Problem(f"{context.where}.{key}", message, hint, "compose.no_containers"))
    return problems


def covering(services: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    """Return few profiles that activate all services, each with its own profiles."""
    missing, chosen = dict(services), []
    while missing:
        known = dict.fromkeys(profile for profiles in missing.values() for profile in profiles)
        chosen.append(max(known, key=lambda profile: sum(profile in one for one in missing.values())))
        missing = {name: profiles for name, profiles in missing.items() if chosen[-1] not in profiles}
    return chosen


def _problem(
    context: StackCheckContext, key: str, service: str, profiles: t.Sequence[str], active: t.Sequence[str]
) -> Problem:
    if profiles:
        message = f"the service {service} has the inactive profile {', '.join(profiles)}"
        hint = f"Write COMPOSE_PROFILES: {','.join(active)} in variables, or remove the profile"
    else:
        message = f"the Compose files have no service {service}"
        known = f"Services there are: {', '.join(context.services) or 'none'}"
        hint = did_you_mean(service, context.services, known)
    return Problem(f"{context.where}.{key}", message, hint, "compose.service_unknown")
