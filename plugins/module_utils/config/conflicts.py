# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks for names, hosts, ports and databases that two stacks claim."""

from __future__ import annotations

from .. import names
from ..errors import Problem
from .stack import Stack


def check_conflicts(
    stacks: list[Stack], project: str, environment: str, variable: str, problems: list[Problem]
) -> None:
    """Report what two stacks, or two routes, both claim."""
    claimed: dict[tuple[str, str], str] = {}

    def claim(kind: str, name: str, where: str, hint: str, code: str) -> None:
        first = claimed.setdefault((kind, name), where)
        if first is not where:
            problems.append(Problem(where, f"{kind} {name} belongs to {first} already", hint, code))

    for number, stack in enumerate(stacks):
        where = f"{variable}[{stack.name}]"
        claim("stack", stack.name, f"{variable}[{number}]", "Give each stack a name of its own", code="name.duplicate")
        for kind, index, endpoint in stack.endpoints:
            for host in endpoint.hosts:
                key = f"{where}.{kind}[{index}].hosts"
                claim(
                    "route",
                    (host + endpoint.path).lower(),
                    key,
                    "Use a host and path only once",
                    code="route.duplicate",
                )
        for service in sorted({route.service for route in stack.routes} | {*stack.workers, *stack.accessories}):
            name = names.container(project, stack.name, service, environment)
            hint = "Rename a service or a stack: containers are called <project>-<stack>-<service>-<environment>"
            claim("container", name, f"{where}, service {service}", hint, code="name.duplicate")
        if stack.shared_database:
            database = names.database(stack.name, environment)
            hint = "Rename a stack: in a database's name - becomes _"
            claim("database", database, f"{where}.postgres", hint, code="name.duplicate")
        key = f"{where}.redis.databases"
        for redis_database in stack.redis.databases if stack.redis else ():
            claim("Redis database", str(redis_database), key, "Take a free one", code="redis.database_duplicate")
