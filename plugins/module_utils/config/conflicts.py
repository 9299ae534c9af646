# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks for names, hosts, ports and databases that two stacks claim."""

from __future__ import annotations

import typing as t

from .. import names
from ..errors import Problem
from .stack_checks import routes_and_files


def check_conflicts(
    stacks: list[dict[str, t.Any]], project: str, environment: str, variable: str, problems: list[Problem]
) -> None:
    """Report what two stacks, or two routes, both claim."""
    claimed: dict[tuple[str, str], str] = {}

    def claim(kind: str, name: str, where: str, hint: str, code: str) -> None:
        first = claimed.setdefault((kind, name), where)
        if first is not where:
            problems.append(Problem(where, f"{kind} {name} belongs to {first} already", hint, code))

    for number, stack in enumerate(stacks):
        where = f"{variable}[{stack['name']}]"
        claim(
            "stack", stack["name"], f"{variable}[{number}]", "Give each stack a name of its own", code="name.duplicate"
        )
        for kind, index, way in routes_and_files(stack):
            for host in way["hosts"]:
                ctx = f"{where}.{kind}[{index}].hosts"
                claim(
                    "route", host + way["path"], ctx, "One host and path leads to one service", code="route.duplicate"
                )
        for service in sorted(
            {route["service"] for route in stack["routes"]} | {*stack["workers"], *stack["accessories"]}
        ):
            name = names.container(project, service, environment)
            hint = "Rename a service: containers are called <project>-<service>-<environment>"
            claim("container", name, f"{where}, service {service}", hint, code="name.duplicate")
        if stack["postgres"]:
            database = names.database(stack["name"], environment)
            claim(
                "database",
                database,
                f"{where}.postgres",
                "Rename a stack: in a database's name - becomes _",
                code="name.duplicate",
            )
        for database in (stack["redis"] or {}).get("databases", []):
            claim(
                "Redis database",
                str(database),
                f"{where}.redis.databases",
                "Take a free one",
                code="redis.database_duplicate",
            )
