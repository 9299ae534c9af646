# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the Redis database numbers exist, and no other environment of the server has them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ... import paths
from ...errors import Problem
from .context import StackCheckContext

NEEDS: tuple[str, ...] = ()


def check(context: StackCheckContext) -> list[Problem]:
    """Return the numbers that the server does not have, and those of another environment."""
    stack, host = context.stack, context.host.host
    if not stack.redis:
        return []
    dedicated = paths.redis_folder(host.root, host.environment).exists()
    others = {} if dedicated else holders(paths.redis_folder(host.root, None) / "conf" / "allotted", host.environment)
    where = f"{context.where}.redis.databases"
    return problems(stack.redis.databases, others, context.host.redis_databases, where)


def problems(numbers: t.Iterable[int], others: t.Mapping[int, str], available: int | None, where: str) -> list[Problem]:
    """Return the problems of ``check``; ``others`` has who holds a number already, ``available`` may be unknown."""
    result = []
    for number in numbers:
        if number < 0 or (available is not None and number >= available):
            message = f"{number} is not a database of Redis, which has 0 to {(available or 1) - 1}"
            hint = "Write another number, or raise redis_databases"
            result.append(Problem(where, message, hint, "redis.database_range"))
        elif number in others:
            message = f"the database {number} of the shared Redis belongs to {others[number]}"
            result.append(Problem(where, message, "Write a number that is free", "redis.database_taken"))
    return result


def holders(folder: Path, environment: str) -> dict[int, str]:
    """Return who holds each number of the shared Redis, without an environment; unreadable files hold none."""
    found: dict[int, str] = {}
    for path in sorted(folder.glob("*.json")):
        if path.stem == environment:
            continue
        try:
            users = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for user, numbers in users.items():
            found.update({int(number): f"{user} (environment {path.stem})" for number in numbers})
    return found
