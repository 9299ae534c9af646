# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks for contradictions within one stack."""

from __future__ import annotations

import typing as t

from .. import names
from ..errors import Problem
from .schema import DATABASE_KEYS, LONGEST_NAME, STOPPING_KINDS
from .value_types import listed

# What a proxy answers with by itself: two of them would contradict each other.
RESERVED_HEADERS = (
    "connection",
    "content-length",
    "location",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "www-authenticate",
)


class ReportProblem(t.Protocol):
    """Adds a problem of one key of a stack."""

    def __call__(self, key: str, message: str, hint: str, code: str) -> None: ...


def check_stack(stack: dict[str, t.Any], environment: str, where: str, problems: list[Problem]) -> None:
    """Report what is wrong within one stack."""

    def problem(key: str, message: str, hint: str, code: str) -> None:
        problems.append(Problem(f"{where}.{key}", message, hint, code))

    if not names.NAME_PART.match(stack["name"]):
        problem("name", f"{stack['name']!r} is no name", "Use lower case, digits, - and _", code="stack.name")
    if len(names.login(stack["name"], environment, "migrator")) > LONGEST_NAME:
        message = f"is too long with the environment behind it and its login _migrator ({LONGEST_NAME} at most)"
        problem("name", message, "Write a shorter one", code="stack.name")
    if stack["strategy"] != "in_place" and not stack["routes"]:
        problem(
            "routes",
            f"{stack['strategy']} needs at least one",
            "Write [{service: web, port: 8000, hosts: [a.example.org]}]",
            code="stack.no_routes",
        )
    routed = {route["service"] for route in stack["routes"]}
    for kind, others in (("workers", routed), ("accessories", routed | set(stack["workers"]))):
        for service in sorted(others.intersection(stack[kind])):
            problem(
                kind,
                f"{service} also has a route or is a worker",
                "Name each service in one place only",
                code="stack.service_twice",
            )
    for kind, index, way in routes_and_files(stack):
        if not way["path"].startswith("/"):
            problem(
                f"{kind}[{index}].path",
                f"{way['path']!r} does not begin with /",
                f"Write /{way['path']}",
                code="route.path",
            )
        for host in way["hosts"]:
            if host != host.lower() or "/" in host or ":" in host or " " in host:
                problem(
                    f"{kind}[{index}].hosts",
                    f"{host!r} is no host name",
                    "Write only the name, in lower case",
                    code="route.host",
                )
    for index, route in enumerate(stack["routes"]):
        _check_route_options(route, f"routes[{index}]", problem)
    hosts = {host for route in stack["routes"] for host in route["hosts"]}
    for index, smoke in enumerate(stack["smoke"]):
        if smoke["host"] and smoke["host"] not in hosts:
            problem(
                f"smoke[{index}].host",
                f"{smoke['host']} has no route here",
                f"Write one of {listed(sorted(hosts))}",
                code="stack.smoke_host",
            )
    if stack["migrate"]:
        _check_migration(stack, problem)
    for name in ("postgres", "redis"):
        if stack[name] and f"{name}_password" in stack["secrets"]:
            problem(
                f"secrets.{name}_password",
                f"is made from {name}.password",
                "Take it out of secrets",
                code="stack.secret_reserved",
            )


def routes_and_files(stack: dict[str, t.Any]) -> t.Iterator[tuple[str, int, dict[str, t.Any]]]:
    """Yield every way in of a stack: the key it stands under, its place there, and itself."""
    for kind in ("routes", "static"):
        for index, way in enumerate(stack[kind]):
            yield kind, index, way


def _check_route_options(route: dict[str, t.Any], where: str, problem: ReportProblem) -> None:
    """Report what is wrong within the rules of a route."""
    if route["basic_auth"] and not names.NAME_PART.match(route["basic_auth"]):
        problem(
            f"{where}.basic_auth",
            f"{route['basic_auth']!r} is no name",
            "Write the name of a list in proxy_users",
            code="route.basic_auth",
        )
    for name in route["headers"]:
        if name.lower() in RESERVED_HEADERS or name.lower().startswith("x-switchyard-"):
            problem(
                f"{where}.headers",
                f"{name} is set by the proxy itself",
                "Take it out; for HSTS write hsts",
                code="route.header_reserved",
            )


def _check_migration(stack: dict[str, t.Any], problem: ReportProblem) -> None:
    """Report what is wrong with the guards of a migration."""
    migrate = stack["migrate"]
    if not stack["postgres"]:
        for key in DATABASE_KEYS:
            if migrate[key]:
                problem(
                    f"migrate.{key}",
                    "the stack has no database on the shared server",
                    "Write postgres, or no such",
                    code="migration.no_database",
                )
        return
    if stack["strategy"] != "in_place" and not migrate["kind"] and not migrate["check"]:
        problem(
            "migrate.kind",
            "is missing, and without check nobody knows whether a migration is pending",
            "Write expand (the old version works on the new schema), contract or breaking",
            code="migration.kind_missing",
        )
    if migrate["kind"] in STOPPING_KINDS:
        if migrate["backup"] == "none":
            problem(
                "migrate.backup",
                f"none is no way back from kind: {migrate['kind']}",
                "Write restore or read",
                code="migration.no_backup",
            )
        if stack["strategy"] == "canary":
            message = f"{migrate['kind']} stops the old version, and a canary needs it"
            problem("migrate.kind", message, "Write strategy: blue_green for this release", code="migration.canary")
