# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: a migration has the guards that its database allows."""

from __future__ import annotations

import typing as t

from ...config.stack import Stack
from ...errors import NOTICE, Problem
from ...postgres.accessory import is_postgres
from .context import StackCheckContext

NEEDS = ("compose",)


def check(context: StackCheckContext) -> list[Problem]:
    """Return a notice for a migration without a backup, where an accessory has the PostgreSQL that it changes."""
    return unguarded(context.stack, context.services, context.where)


def unguarded(stack: Stack, services: t.Mapping[str, t.Mapping[str, t.Any]], where: str) -> list[Problem]:
    """Return the notice; ``services`` are those of the normalised files."""
    if not stack.migrate or stack.postgres:
        return []
    named = {name: services[name] for name in stack.accessories if name in services}
    found = [name for name, one in named.items() if is_postgres([one.get("image") or ""], one.get("environment") or {})]
    if not found:
        return []
    message = (
        f"runs without a backup and cannot be undone: postgres is missing, and {' and '.join(found)} has PostgreSQL"
    )
    lines = " or ".join(f"postgres: {{accessory: {name}}}" for name in found)
    hint = f"Write {lines}, and migrate.kind: expand, contract or breaking"
    return [Problem(f"{where}.migrate", message, hint, "migration.unguarded", severity=NOTICE)]
