# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: the logins of the stacks fit into the connections of the shared PostgreSQL."""

from __future__ import annotations

import json
import typing as t

from ... import names
from ...config.stack import Stack
from ...errors import WARNING, Problem, SwitchyardError
from ...postgres import roles as postgres_roles
from .context import HostCheckContext

NEEDS = ("engine",)

QUERY = """
SELECT json_build_object(
    'max', current_setting('max_connections')::int,
    'reserved', current_setting('superuser_reserved_connections')::int,
    'limits', (SELECT coalesce(json_object_agg(rolname, rolconnlimit), '{}') FROM pg_roles
               WHERE rolcanlogin AND NOT rolsuper))
"""

COMMAND = ("psql", "-XAtq", "-U", "postgres", "-d", "postgres", "-c", QUERY)


def check(context: HostCheckContext) -> list[Problem]:
    """Return a problem when all logins together may open more connections than the server has."""
    host = context.host
    stacks = [spec.stack for spec in context.specs if spec.stack.shared_database]
    container = host.engine.container(names.shared(host.project, "postgres")) if stacks and context.thorough else None
    if not container or not container.running:
        return []
    try:
        code, output = host.engine.exec(container.name, list(COMMAND))
        state = json.loads(output) if code == 0 else None
    except (SwitchyardError, OSError, ValueError):
        state = None
    # A server that does not answer is reported where it is needed.
    return problems(stacks, host.environment, state) if state else []


def problems(stacks: t.Iterable[Stack], environment: str, state: t.Mapping[str, t.Any]) -> list[Problem]:
    """Return the problems of ``check``; ``state`` is the answer to QUERY."""
    limits = {
        name: limit
        for name, limit in state["limits"].items()
        # -1 means unlimited. The login of one run counts as another one of the tenant.
        if limit > 0 and postgres_roles.TEMPORARY_ROLE_MARK not in name
    }
    own: dict[str, int] = {}
    for stack in stacks:
        database = names.database(stack.name, environment)
        logins = postgres_roles.DatabaseRoles(database, database)
        given = stack.postgres.connections if stack.postgres else {}
        for kind, default in postgres_roles.CONNECTIONS.items():
            number = str(given.get(kind) or limits.get(logins[kind]) or default)
            own[logins[kind]] = int(number) if number.isdigit() else default
    total, available = sum({**limits, **own}.values()), int(state["max"]) - int(state["reserved"])
    if total <= available:
        return []
    message = (
        f"the logins of PostgreSQL may open {total} connections, {sum(own.values())} of them those of this "
        f"environment, and the server has {available} (max_connections {state['max']}, {state['reserved']} reserved)"
    )
    hint = "Raise max_connections in postgres_settings and run setup.yml, or set smaller connections for a stack"
    return [Problem("postgres_settings", message, hint, "postgres.connection_budget", severity=WARNING)]
