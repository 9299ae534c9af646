# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis users of the stacks, planned from the inventory and the server's state."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from .. import names
from ..config.stack_services import Stacks, Tenant, sha256_hex, stacks_using
from ..errors import Problem

# The role's administrator. A stack's user begins with a letter or a digit, so it cannot have this name.
REDIS_ADMIN = "_admin"


def redis_tenants(stacks: Stacks, environment: str) -> list[Tenant]:
    """Return the user, stack, password and database numbers of each stack that has a ``redis`` key."""
    tenants = []
    for stack, settings in stacks_using(stacks, "redis"):
        value = settings.get("databases")
        databases = value if isinstance(value, list) else [value]
        if not databases or not all(isinstance(number, int) and number >= 0 for number in databases):
            raise ValueError(f"switchyard_stacks[{stack}].redis.databases is not a number or a list of numbers")
        tenants.append(
            {
                "user": names.redis_user(stack, environment),
                "stack": stack,
                "password": settings["password"],
                "databases": databases,
            }
        )
    return tenants


@dataclass(frozen=True)
class RedisPlan:
    """The changes that a Redis server needs for the tenants of an environment.

    ``problems`` are claims that cannot be met. ``files`` are the environment's files with their content, ``differ`` the
    names of those to write. ``load``: the running server has to load them; ``loaded`` is the user that shows that it
    did. ``admin``: the running server has its administrator, also in its files. ``other_networks`` are those from which
    the tenants of other environments connect.
    """

    problems: list[Problem]
    files: dict[str, str]
    differ: list[str]
    load: bool
    loaded: str
    admin: bool
    other_networks: list[str]


@dataclass(frozen=True)
class RedisState:
    """The output of the role's ``state.sh``: digests of files, databases of users by environment, loaded users."""

    sums: dict[str, str]
    allotted: dict[str, dict[str, list[int]]]
    users: frozenset[str]
    assembled: bool


def redis_plan(
    tenants: t.Iterable[Tenant], project: str, environment: str, rules: str, numbers: int, output: str
) -> RedisPlan:
    """Return the changes that a Redis server needs for the tenants of an environment.

    ``numbers`` is the server's number of databases, ``output`` that of the role's ``state.sh``.
    """
    tenants = list(tenants)
    state = _redis_state(output)
    users = "".join(f"user {tenant['user']} on #{sha256_hex(tenant['password'])} {rules}\n" for tenant in tenants)
    # A user without any rights: its name shows which version of this environment's users the server has loaded.
    loaded = f"{environment}@{sha256_hex(users)[:16]}"
    allotted = {tenant["user"]: sorted(tenant["databases"]) for tenant in tenants}
    # The allotment is first: without it, the next environment would take the users' numbers for free.
    files = {
        f"allotted/{environment}.json": json.dumps(allotted, sort_keys=True) + "\n",
        f"users/{environment}.acl": f"{users}user {loaded} off\n",
    }
    differ = [name for name, content in files.items() if state.sums.get(name) != sha256_hex(content)]
    others = {other: users for other, users in state.allotted.items() if other != environment}
    return RedisPlan(
        problems=_claims(tenants, numbers, others),
        files=files,
        differ=differ,
        load=bool(differ) or not state.assembled or loaded not in state.users,
        loaded=loaded,
        admin=REDIS_ADMIN in state.users and f"users/{REDIS_ADMIN}.acl" in state.sums,
        other_networks=sorted(_networks(project, others)),
    )


def _networks(project: str, allotted: t.Mapping[str, t.Iterable[str]]) -> set[str]:
    """Return the names that the networks of users can have: of the stack in the user's name, and of the environment."""
    found = set()
    for environment, users in allotted.items():
        ending = f"-{environment}"
        stacks = {user[: -len(ending)] for user in users if user.endswith(ending)}
        found |= {names.back(project, stack, environment) for stack in (stacks | {""} if users else ())}
    return found


def _redis_state(output: str) -> RedisState:
    """Return the state that the lines of ``state.sh`` describe, each with its kind as the first word."""
    sums: dict[str, str] = {}
    allotted: dict[str, dict[str, list[int]]] = {}
    users = set()
    assembled = False
    for line in output.splitlines():
        kind, dummy, rest = line.partition(" ")
        if kind == "sum":
            digest, name = rest.split(maxsplit=1)
            sums[name] = digest
        elif kind == "allotted":
            environment, content = rest.split(maxsplit=1)
            allotted[environment] = json.loads(content)
        elif kind == "user":
            users.add(rest)
        elif kind == "assembled":
            assembled = True
    return RedisState(sums, allotted, frozenset(users), assembled)


def _claims(tenants: list[Tenant], numbers: int, others: dict[str, dict[str, list[int]]]) -> list[Problem]:
    """Return the claims on numbers that do not exist, and on numbers and users of another tenant."""
    owners = {user: environment for environment, users in others.items() for user in users}
    holders = {
        number: f"{user} ({environment})"
        for environment, users in others.items()
        for user, databases in users.items()
        for number in databases
    }
    free = f"Use another number below {numbers} for redis.databases of the stack"
    problems = []
    for tenant in tenants:
        user = tenant["user"]
        if user in owners:
            message = f"the user {user} belongs to {owners[user]} already"
            problems.append(Problem("redis_tenants", message, "Rename the stack", "redis.user_taken"))
        owners[user] = "another tenant"
        for number in tenant["databases"]:
            if number >= numbers:
                message = f"{user} asks for database {number}, but the last one is {numbers - 1}"
                problems.append(Problem("redis_tenants", message, free, "redis.database_range"))
            if holders.setdefault(number, user) != user:
                message = f"{user} asks for database {number}, but it belongs to {holders[number]}"
                problems.append(Problem("redis_tenants", message, free, "redis.database_taken"))
    return problems
