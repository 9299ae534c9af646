# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the inventory and the Compose files name the same secrets."""

from __future__ import annotations

from ...engine.compose_variables import unused
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return the secrets without a value, and the values that no service uses."""
    used = {secret["source"] for service in context.services.values() for secret in service.get("secrets", [])}
    for service in context.services.values():
        # Also where this version of the image is pulled
        used |= {secret["source"] for secret in (service.get("build") or {}).get("secrets") or []}
    given, as_env = set(context.spec.secrets), context.stack.secrets_as_env
    used |= set(as_env) - set(unused(as_env, context.spec.sources.values()))
    problems = [
        Problem(
            f"{context.where}.secrets.{name}",
            "the Compose files use it, but it has no value",
            "Give it one, from a vault",
            "stack.secret_without_value",
        )
        for name in sorted(used - given)
    ]
    return problems + [
        Problem(
            f"{context.where}.secrets.{name}",
            "no service of the Compose files uses it",
            "Add it to a service's secrets, or to secrets_as_env",
            "stack.secret_not_used",
        )
        for name in sorted(given - used)
    ]
