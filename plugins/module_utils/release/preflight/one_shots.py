# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: what runs once per release ends by itself, has no other role, and has an order."""

from __future__ import annotations

from ...engine import compose_one_shots
from ...engine.compose_dependencies import ENDED, waiting_for_end_of
from ...engine.compose_roles import roles_of
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)

# The key of the inventory that gives a service a role in which it runs on.
KEYS = {"routed": "routes", "worker": "workers", "accessory": "accessories", "inner": "inner"}


def check(context: StackCheckContext) -> list[Problem]:
    """Return the one-shots with another role, the jobs whose command may not end, and the orders that cannot be."""
    return _other_roles(context) + _missing_commands(context) + _late_dependencies(context)


def _other_roles(context: StackCheckContext) -> list[Problem]:
    """Return the services whose end others wait for, and that the stack declares as running on."""
    problems = []
    for name, role in roles_of(context.normalised, context.stack).items():
        waiting = waiting_for_end_of(context.normalised, name)
        if role not in KEYS or not waiting:
            continue
        message = f"{name} runs on in this role, and its end is what {', '.join(waiting)} waits for ({ENDED})"
        hint = f"Remove {name} from {KEYS[role]}, or write condition: service_healthy in the Compose file"
        problems.append(Problem(f"{context.where}.{KEYS[role]}", message, hint, "stack.one_shot_role"))
    return problems


def _missing_commands(context: StackCheckContext) -> list[Problem]:
    """Return the jobs without a command whose service does not say that its own command ends."""
    roles = roles_of(context.normalised, context.stack)
    problems = []
    for key, job in compose_one_shots.jobs_of(context.stack).items():
        if job.command or roles.get(job.service, "one-shot") == "one-shot":
            continue
        message = f"is missing, and the Compose files do not say that the own command of {job.service} ends"
        hint = f'Write the command, or restart: "no" at a service {job.service} that has no other role'
        problems.append(Problem(f"{context.where}.{key}.command", message, hint, "stack.command_missing"))
    return problems


def _late_dependencies(context: StackCheckContext) -> list[Problem]:
    """Return the dependencies between one-shots and jobs that the stack runs in the other order."""
    roles = roles_of(context.normalised, context.stack)
    jobs = compose_one_shots.jobs_of(context.stack)
    problems = []
    for late in compose_one_shots.late_dependencies(context.normalised, context.stack, roles):
        key = next((key for key, job in jobs.items() if job.service == late.other), "after_migrate")
        message = f"runs {late.other} after {late.service}, which waits for its end ({ENDED})"
        hint = f"Run {late.other} first, or remove the dependency from {late.service}"
        problems.append(Problem(f"{context.where}.{key}", message, hint, "stack.one_shot_order"))
    return problems
