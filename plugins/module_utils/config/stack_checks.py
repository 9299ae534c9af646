# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks for contradictions within one stack."""

from __future__ import annotations

import re
import typing as t

from .. import names
from ..errors import Problem
from . import grammar
from .allowances import allowance_error
from .schema import LONGEST_NAME
from .secrets import SHARED_SERVERS
from .stack import MigrationSpec, PostgresSpec, RouteSpec, Stack, WatchSpec
from .value_types import listed
from .wildcard_hosts import covers

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

GIT_URL_WITH_PASSWORD = re.compile(r"https?://[^/@]+@")


class ReportProblem(t.Protocol):
    """Adds a problem of one key of a stack."""

    def __call__(self, key: str, message: str, hint: str, code: str) -> None: ...


def check_stack(stack: Stack, environment: str, where: str, problems: list[Problem]) -> None:
    """Report what is wrong within one stack."""

    def problem(key: str, message: str, hint: str, code: str) -> None:
        problems.append(Problem(f"{where}.{key}", message, hint, code))

    if not names.NAME_PART.match(stack.name):
        problem("name", f"{stack.name!r} is not a valid name", "Use lower case, digits, - and _", code="stack.name")
    if len(names.login(stack.name, environment, "migrator")) > LONGEST_NAME:
        message = f"is too long: with the environment and its login _migrator it may have {LONGEST_NAME} characters"
        problem("name", message, "Write a shorter one", code="stack.name")
    if stack.strategy != "in_place" and not stack.routes:
        hint = "Write [{service: web, port: 8000, hosts: [a.example.org]}]"
        problem("routes", f"{stack.strategy} needs at least one", hint, code="stack.no_routes")
    routed = {route.service for route in stack.routes}
    single = {*stack.workers, *stack.accessories}
    for kind, services, others, roles in (
        ("workers", stack.workers, routed, "has a route or is a worker"),
        ("accessories", stack.accessories, routed | {*stack.workers}, "has a route or is a worker"),
        ("inner", stack.inner, routed | single, "has a route, or is a worker or an accessory"),
    ):
        for service in sorted(others.intersection(services)):
            message = f"{service} also {roles}"
            problem(kind, message, "Name each service in one place only", code="stack.service_twice")
    for mistake in grammar.mistakes_of(stack):
        problem(*mistake)
    for index, route in enumerate(stack.routes):
        _check_route_options(route, f"routes[{index}]", problem)
    for service, allowances in stack.allow.items():
        for allowance in allowances:
            error = allowance_error(allowance)
            if error:
                problem(f"allow.{service}", *error, code="stack.allow_invalid")
    hosts = {host for route in stack.routes for host in route.hosts}
    for index, smoke in enumerate(stack.smoke):
        if smoke.host and not any(covers(host, smoke.host) for host in hosts):
            hint = f"Write one of {listed(sorted(hosts))}"
            problem(f"smoke[{index}].host", f"{smoke.host} has no route in this stack", hint, code="stack.smoke_host")
    for index, volume in enumerate(stack.backup_volumes):
        if (volume.before or volume.after) and not volume.service:
            hint = "Write the service in whose container they run"
            problem(f"backup_volumes[{index}].service", "before and after need it", hint, code="backup.volume")
    _check_source(stack, problem)
    if stack.watch:
        _check_watch(stack, stack.watch, problem)
    if stack.migrate:
        _check_migration(stack, stack.migrate, problem)
    for name in stack.secrets_as_env:
        if name in stack.variables:
            problem("secrets_as_env", f"{name} is in variables as well", "Remove it there", code="stack.secret_as_env")
        if stack.strategy == "in_place":
            hint = "Give Compose the variable yourself, or mount the secret as a file"
            problem("secrets_as_env", "in_place starts the files as they are", hint, code="stack.secret_as_env")
    if stack.postgres:
        _check_accessory(stack, stack.postgres, problem)
    used = {"postgres": stack.shared_database, "redis": stack.redis}
    for server in SHARED_SERVERS:
        if used[server] and f"{server}_password" in stack.secrets:
            message = f"is made from {server}.password"
            problem(f"secrets.{server}_password", message, "Remove it from secrets", code="stack.secret_reserved")


def _check_watch(stack: Stack, watch: WatchSpec, problem: ReportProblem) -> None:
    """Report what is wrong with the watch gate."""
    if watch.max_error_rate > 1:
        message = f"is {watch.max_error_rate:g}, and a share is from 0 to 1"
        hint = f"Write {watch.max_error_rate / 100:g} for {watch.max_error_rate:g} %"
        problem("watch.max_error_rate", message, hint, code="stack.watch")
    if stack.strategy == "in_place":
        hint = "Remove watch, or choose another strategy"
        problem("watch", "in_place has no second color to go back to", hint, code="stack.watch")
    if watch.on_no_data == "pause" and stack.strategy != "canary":
        hint = "Write pass or fail, or strategy: canary"
        problem(
            "watch.on_no_data", f"only a canary pauses, and the strategy is {stack.strategy}", hint, code="stack.watch"
        )


def _check_accessory(stack: Stack, postgres: PostgresSpec, problem: ReportProblem) -> None:
    """Report what is wrong with a PostgreSQL server among the stack's accessories."""
    if not postgres.accessory:
        if postgres.databases:
            hint = "Add accessory: <service>, or remove databases"
            problem("postgres.databases", "is for a server of the stack's own", hint, code="postgres.accessory")
        return
    if postgres.accessory not in stack.accessories:
        message = f"{postgres.accessory} is not one of the accessories"
        hint = f"Write one of {listed(stack.accessories)}" if stack.accessories else "Add it to accessories"
        problem("postgres.accessory", message, hint, code="postgres.accessory")
    for key in ("connections", "timeouts"):
        if getattr(postgres, key):
            message = f"is for a login on the shared server, and {postgres.accessory} has logins of its own"
            problem(f"postgres.{key}", message, "Remove it", code="postgres.accessory")


def _check_source(stack: Stack, problem: ReportProblem) -> None:
    """Report what is wrong with the place of the Compose files."""
    source = stack.source
    if not source.git:
        if not source.path:
            problem("source", "has no path", "Write path: <a folder>, or git and version", code="stack.source")
        for key in ("version", "require_tag"):
            if getattr(source, key):
                problem(f"source.{key}", "is of a Git repository", f"Add git, or remove {key}", code="stack.source")
        return
    if not source.version:
        hint = "Write version: <branch, tag or commit>"
        problem("source.version", "is missing", hint, code="stack.source")
    if stack.strategy == "in_place":
        hint = "Write path: <the folder of your checkout>"
        problem("source.git", "in_place runs in a folder of the server", hint, code="stack.source")
    if GIT_URL_WITH_PASSWORD.match(source.git):
        # The URL would be in arguments of processes and in messages.
        hint = "Use an SSH key, or a credential helper of Git on the controller"
        problem("source.git", "the URL has a password in it", hint, code="stack.source")


def _check_route_options(route: RouteSpec, where: str, problem: ReportProblem) -> None:
    """Report what is wrong within the options of a route."""
    if route.basic_auth and not names.NAME_PART.match(route.basic_auth):
        message = f"{route.basic_auth!r} is not a valid name"
        problem(f"{where}.basic_auth", message, "Write the name of a list in proxy_users", code="route.basic_auth")
    for name in route.headers:
        if name.lower() in RESERVED_HEADERS or name.lower().startswith("x-switchyard-"):
            message = f"{name} is set by the proxy itself"
            problem(f"{where}.headers", message, "Remove it; for HSTS write hsts", code="route.header_reserved")


def _check_migration(stack: Stack, migrate: MigrationSpec, problem: ReportProblem) -> None:
    """Report what is wrong with the guards of a migration."""
    if not stack.postgres:
        # These keys mean nothing without a database that the stack names.
        for key, value in (
            ("kind", migrate.kind),
            ("database", migrate.database),
            ("schema_check", migrate.schema_check),
        ):
            if value:
                message = "the stack has no postgres"
                hint = f"Add postgres, for a PostgreSQL of its own postgres: {{accessory: <service>}}, or remove {key}"
                problem(f"migrate.{key}", message, hint, code="migration.no_database")
        return
    if stack.strategy != "in_place" and not migrate.kind and not migrate.check:
        problem(
            "migrate.kind",
            "is missing; without check, every release has a migration to run",
            "Write expand (the old version works on the new schema), contract or breaking",
            code="migration.kind_missing",
        )
    if migrate.stops_old_version:
        if migrate.verify_backup == "none":
            message = f"with none, a migration of kind {migrate.kind} cannot be undone"
            problem("migrate.verify_backup", message, "Write restore or read", code="migration.no_backup")
        if stack.strategy == "canary":
            message = f"{migrate.kind} stops the old version, and a canary needs it"
            problem("migrate.kind", message, "Write strategy: blue_green for this release", code="migration.canary")
