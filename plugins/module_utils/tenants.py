# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the shared servers of a machine: databases, logins, users, and what has to change for them.

A server never gets a password, only what proves it: a SCRAM verifier for PostgreSQL, a SHA-256 for Redis.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import typing as t

from . import names

# What PostgreSQL itself uses (scram_iterations): each more costs every new connection time.
SCRAM_ITERATIONS = 4096

# The roles' administrator. No stack's user is called like it: names begin with a letter or a digit.
REDIS_ADMIN = "_admin"

Tenant = dict[str, t.Any]
Stacks = t.Iterable[t.Mapping[str, t.Any]]


def postgres(stacks: Stacks, environment: str) -> list[Tenant]:
    """Return the database, login and password of each stack that has a ``postgres`` key."""
    tenants = []
    for stack, settings in _using(stacks, "postgres"):
        name = names.database(stack, environment)
        tenants.append({"database": name, "user": name, "password": settings["password"]})
    return tenants


def redis(stacks: Stacks, environment: str) -> list[Tenant]:
    """Return the user, password and database numbers of each stack that has a ``redis`` key."""
    tenants = []
    for stack, settings in _using(stacks, "redis"):
        given = settings.get("databases")
        databases = given if isinstance(given, list) else [given]
        if not databases or not all(isinstance(number, int) and number >= 0 for number in databases):
            raise ValueError(f"switchyard_stacks[{stack}].redis.databases is not a number or a list of numbers")
        tenants.append(
            {
                "user": names.redis_user(stack, environment),
                "password": settings["password"],
                "databases": databases,
            }
        )
    return tenants


def _using(stacks: Stacks, server: str) -> t.Iterator[tuple[str, t.Mapping[str, t.Any]]]:
    for stack in stacks:
        settings = stack.get(server)
        if settings is None:
            continue
        if not isinstance(settings, t.Mapping) or not settings.get("password"):
            raise ValueError(f"switchyard_stacks[{stack['name']}].{server}.password is missing")
        yield stack["name"], settings


# --- PostgreSQL ------------------------------------------------------------------------------------------------


def verifier(password: str, user: str) -> str:
    """Return what proves the password of a login.

    The salt comes from the user's name, not from chance: the same password gives the same verifier, so that a
    second run can see that nothing changed. Characters outside ASCII would need SASLprep (RFC 4013): refused.
    """
    if not password.isascii() or not password.isprintable() or not password:
        raise ValueError(f"the password of {user} must be printable ASCII characters, at least one")
    return scram_sha_256(password, hashlib.sha256(f"switchyard {user}".encode()).digest()[:16])


def scram_sha_256(password: str, salt: bytes) -> str:
    """Return the SCRAM verifier of a password in the form of ``pg_authid.rolpassword`` (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.new(salted, b"Client Key", hashlib.sha256).digest()).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"


def postgres_plan(tenants: t.Iterable[Tenant], state: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what a PostgreSQL server lacks for its tenants.

    ``state`` is the answer of the role's ``state.sql``, or empty where no server answers yet. ``logins`` are
    to be made or changed, ``databases`` too; from ``open`` the rights of PUBLIC are to be taken.
    """
    tenants = list(tenants)
    logins, databases = state.get("logins", {}), state.get("databases", {})
    verifiers = {tenant["user"]: verifier(tenant["password"], tenant["user"]) for tenant in tenants}
    closed = {name for name, database in databases.items() if not database["open"]}
    return {
        "logins": [{"user": user, "verifier": proof} for user, proof in verifiers.items() if logins.get(user) != proof],
        "databases": [
            {"database": tenant["database"], "user": tenant["user"]}
            for tenant in tenants
            if databases.get(tenant["database"], {}).get("owner") != tenant["user"]
        ],
        "open": sorted(({tenant["database"] for tenant in tenants} | {"postgres", "template1"}) - closed),
    }


# --- Redis -----------------------------------------------------------------------------------------------------


def redis_plan(tenants: t.Iterable[Tenant], environment: str, rules: str, numbers: int, seen: str) -> dict[str, t.Any]:
    """Return what a Redis server lacks for the tenants of an environment.

    ``numbers`` is how many databases there are, ``seen`` the output of the role's ``state.sh``. ``problems`` are
    claims that cannot be met. ``files`` are the environment's files with their content, and ``differ`` names those
    that are to be written; ``load`` says that the running server does not use them yet, and ``loaded`` is the user
    that proves that it does; ``admin`` says that the running server has its administrator, in its
    files too.
    """
    tenants = list(tenants)
    state = _redis_state(seen)
    users = "".join(f"user {tenant['user']} on #{_sha256(tenant['password'])} {rules}\n" for tenant in tenants)
    # A user that can do nothing: its name tells which version of this environment's users the server has loaded.
    loaded = f"{environment}@{_sha256(users)[:16]}"
    allotted = {tenant["user"]: sorted(tenant["databases"]) for tenant in tenants}
    # What was allotted comes first: users without it would have numbers that the next environment takes for free.
    files = {
        f"allotted/{environment}.json": json.dumps(allotted, sort_keys=True) + "\n",
        f"users/{environment}.acl": f"{users}user {loaded} off\n",
    }
    differ = [name for name, content in files.items() if state["sums"].get(name) != _sha256(content)]
    others = {other: theirs for other, theirs in state["allotted"].items() if other != environment}
    return {
        "problems": _claims(tenants, numbers, others),
        "files": files,
        "differ": differ,
        "load": bool(differ) or not state["assembled"] or loaded not in state["users"],
        "loaded": loaded,
        "admin": REDIS_ADMIN in state["users"] and f"users/{REDIS_ADMIN}.acl" in state["sums"],
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _redis_state(seen: str) -> dict[str, t.Any]:
    """Return the lines of ``state.sh`` by their first word."""
    state: dict[str, t.Any] = {"sums": {}, "allotted": {}, "users": set(), "assembled": False}
    for line in seen.splitlines():
        kind, dummy, rest = line.partition(" ")
        if kind == "sum":
            digest, name = rest.split(maxsplit=1)
            state["sums"][name] = digest
        elif kind == "allotted":
            environment, content = rest.split(maxsplit=1)
            state["allotted"][environment] = json.loads(content)
        elif kind == "user":
            state["users"].add(rest)
        elif kind == "assembled":
            state["assembled"] = True
    return state


def _claims(tenants: list[Tenant], numbers: int, others: dict[str, dict[str, list[int]]]) -> list[str]:
    """Return what the tenants claim although there is no such thing or somebody else has it."""
    owners = {user: environment for environment, theirs in others.items() for user in theirs}
    holders = {
        number: f"{user} ({environment})"
        for environment, theirs in others.items()
        for user, databases in theirs.items()
        for number in databases
    }
    problems = []
    for tenant in tenants:
        user = tenant["user"]
        if user in owners:
            problems.append(f"the user {user} belongs to {owners[user]} already")
        owners[user] = "another tenant"
        for number in tenant["databases"]:
            if number >= numbers:
                problems.append(f"{user} asks for database {number}, but the last one is {numbers - 1}")
            if holders.setdefault(number, user) != user:
                problems.append(f"{user} asks for database {number}, but it belongs to {holders[number]}")
    return problems
