# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role of each service of a normalised Compose file, and the number of its containers."""

from __future__ import annotations

from ..config.stack import Stack
from .compose_dependencies import waiting_for_end_of
from .models import Mapping


def roles_of(normalised: Mapping, stack: Stack) -> dict[str, str]:
    """Return each service with its role: ``routed``, ``worker``, ``accessory``, ``one-shot``, ``job`` or ``inner``.

    An ``inner`` service runs once per color, next to the routed ones. A ``job`` is named only as the service of
    ``migrate`` or ``after_migrate``. A ``one-shot`` ends by itself, see ``is_one_shot``.
    """
    routed = {route.service for route in stack.routes}
    jobs = {job.service for job in stack.jobs}
    roles = {}
    for name in normalised.get("services", {}):
        if name in routed:
            roles[name] = "routed"
        elif name in stack.workers:
            roles[name] = "worker"
        elif name in stack.accessories:
            roles[name] = "accessory"
        elif name not in stack.inner and is_one_shot(normalised, stack, name):
            roles[name] = "one-shot"
        else:
            roles[name] = "job" if name in jobs and name not in stack.inner else "inner"
    return roles


def is_one_shot(normalised: Mapping, stack: Stack, name: str) -> bool:
    """Return whether the file says of a service that its own command ends.

    Another service waits for its end, which a service that runs on would never let it start; or it is not restarted
    and the stack runs it as a job without a command. Nothing else makes a one-shot.
    """
    if waiting_for_end_of(normalised, name):
        return True
    without_command = any(job.service == name and not job.command for job in stack.jobs)
    return without_command and is_never_restarted(normalised["services"][name])


def is_never_restarted(service: Mapping) -> bool:
    """Return whether the file says of a service that nothing starts it again; without a word of it, that is open."""
    policy = (service.get("deploy") or {}).get("restart_policy") or {}
    return service.get("restart", "no" if policy.get("condition") == "none" else "") == "no"


def replicas_of(normalised: Mapping, name: str) -> int:
    """Return how many containers a service asks for; 0 is a service that is started by hand."""
    service = normalised["services"][name]
    asked = (service.get("scale"), (service.get("deploy") or {}).get("replicas"))
    return next((int(number) for number in asked if number is not None), 1)
